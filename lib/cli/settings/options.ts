/**
 * Every setting as an option: its spelling on the command line, in the environment and in a configuration file, and the
 * function that reads it. A new setting needs one entry here and nothing else.
 */
import { MIN_HANG_TIMEOUT } from '../../manager/policy';
import type { Settings } from '../../manager/settings';
import * as values from './values';

type Flat = Omit<Settings, 'hooks' | 'restart'>;

/** A setting's name in configuration files; those of `restart` have two parts. */
export type SettingName = keyof Flat | `restart.${keyof Settings['restart']}`;

type SettingValue<N extends SettingName> = N extends keyof Flat
  ? Flat[N]
  : N extends `restart.${infer Key extends keyof Settings['restart']}`
    ? Settings['restart'][Key]
    : never;

export interface Option {
  name: SettingName;
  /** In commander's notation. A boolean also has its `--no-` form. */
  flags: string;
  /** Names in the environment; the first one wins. */
  variables: string[];
  read: values.Reader<unknown>;
  help: string;
  /** Its heading in `--help`. */
  group: Group;
}

export const GROUPS = ['Serving', 'Life of a worker', 'Restarts', 'Process', 'Reporting'] as const;
type Group = (typeof GROUPS)[number];

function option<N extends SettingName>(
  group: Group,
  name: N,
  flags: string,
  read: values.Reader<SettingValue<N>>,
  help: string,
  aliases: string[] = [],
): Option {
  const [, long = ''] = /--([\w-]+)/.exec(flags) ?? [];
  const variable = `PREFORK_${long.replaceAll('-', '_').toUpperCase()}`;
  return { name, flags, variables: [variable, ...aliases], read, help, group };
}

const { duration, durationOrZero, integer, orNone } = values;
const ANY = Number.MAX_SAFE_INTEGER;

export const OPTIONS: readonly Option[] = [
  option(
    'Serving',
    'workers',
    '-w, --workers <number>',
    values.workers,
    'number of workers; auto: one per processor that affinity and cgroup quota allow',
    ['WEB_CONCURRENCY'],
  ),
  option(
    'Serving',
    'bind',
    '-b, --bind <address>',
    values.bind,
    'listen here, wherever the application does: host:port, :port, unix:path, fd:number or fd:name; repeatable, or separated by commas',
  ),
  option(
    'Serving',
    'balanced',
    '--balanced',
    values.boolean,
    'give each worker its own accept queue (SO_REUSEPORT): round-robin as root, else by address hash',
  ),
  option(
    'Serving',
    'sticky',
    '--sticky <by>',
    orNone(values.sticky),
    'ip: all connections from one address go to one worker, as Socket.IO needs it; default: none, to the worker with the fewest',
  ),
  option(
    'Serving',
    'socketMode',
    '--socket-mode <mode>',
    orNone(values.mode),
    'mode of Unix sockets, in octal; default for those of --bind: 666 less --umask, so that everybody may connect',
  ),
  option(
    'Serving',
    'socketUser',
    '--socket-user <name>',
    orNone(values.account),
    'owner of Unix sockets, name or id; default: --user',
  ),
  option(
    'Serving',
    'socketGroup',
    '--socket-group <name>',
    orNone(values.account),
    'group of Unix sockets, name or id; default: the group of the workers',
  ),
  option(
    'Serving',
    'preload',
    '--preload <when>',
    values.preload,
    'yes: load the application once and fork workers from it; no: load it in each worker; auto: once, unless it has connections or helper processes open at its first listen',
  ),
  option('Serving', 'warmup', '--warmup', values.boolean, 'collect and compact the heap before forking'),
  option(
    'Serving',
    'gatherHeap',
    '--gather-heap',
    values.boolean,
    'let the heap of the application grow in one place, and the warm-up move it onto huge pages: faster forks',
  ),
  option(
    'Serving',
    'smallYoungGeneration',
    '--small-young-generation',
    values.boolean,
    'keep the young generation small after the warm-up: less memory, more garbage collection under load',
  ),
  option(
    'Serving',
    'rehearse',
    '--rehearse <path>',
    values.paths,
    'send 1,000 requests for this path before forking, so that workers start warm; repeatable, or separated by commas',
  ),
  option(
    'Life of a worker',
    'bootTimeout',
    '--boot-timeout <duration>',
    duration(1),
    'time for the application to reach its first listen, and for each worker to become ready',
  ),
  option(
    'Life of a worker',
    'hangTimeout',
    '--hang-timeout <duration>',
    durationOrZero(MIN_HANG_TIMEOUT),
    'kill a worker whose event loop is blocked for this long, at least 100ms; 0: never',
  ),
  option(
    'Life of a worker',
    'gracefulTimeout',
    '--graceful-timeout <duration>',
    duration(0),
    'time for a worker to finish its requests before it is killed',
  ),
  option(
    'Life of a worker',
    'maxRequests',
    '--max-requests <number>',
    orNone(integer(1, ANY)),
    'replace a worker after this many requests; none: never',
  ),
  option(
    'Life of a worker',
    'maxRequestsJitter',
    '--max-requests-jitter <share>',
    values.fraction,
    'add up to this share at random, so that workers are not all replaced at once',
  ),
  option(
    'Life of a worker',
    'maxMemory',
    '--max-memory <size>',
    orNone(values.size),
    'replace a worker whose private memory exceeds this; none: never',
  ),
  option(
    'Restarts',
    'restart.burst',
    '--restart-burst <number>',
    integer(0, ANY),
    'crashes within the window that are restarted without delay',
  ),
  option('Restarts', 'restart.window', '--restart-window <duration>', duration(1), 'how long a crash counts'),
  option(
    'Restarts',
    'restart.minDelay',
    '--restart-min-delay <duration>',
    duration(1),
    'first delay in a crash loop; doubles each time',
  ),
  option(
    'Restarts',
    'restart.maxDelay',
    '--restart-max-delay <duration>',
    duration(1),
    'longest delay in a crash loop',
  ),
  option(
    'Restarts',
    'restart.limit',
    '--restart-limit <number>',
    orNone(integer(0, ANY)),
    'give up after this many crashes in total; none: never',
  ),
  option('Process', 'user', '--user <name>', orNone(values.account), 'user of the workers, name or id'),
  option('Process', 'group', '--group <name>', orNone(values.account), 'group of the workers, name or id'),
  option(
    'Process',
    'loadAsRoot',
    '--load-as-root',
    values.boolean,
    'with --user: load the application with the rights of the manager; workers give them up when they are forked',
  ),
  option('Process', 'umask', '--umask <mode>', orNone(values.umask), 'file mode creation mask, in octal'),
  option(
    'Process',
    'cwd',
    '--cwd <directory>',
    orNone(values.text),
    'change to this directory before loading the application',
  ),
  option(
    'Process',
    'name',
    '--name <name>',
    orNone(values.name),
    "name for prefork status, stop and so on; default: that of the application's package",
  ),
  option('Process', 'pidFile', '--pid-file <file>', orNone(values.text), "write the manager's pid here"),
  option(
    'Process',
    'title',
    '--title <text>',
    orNone(values.text),
    "process title in ps, followed by the process's role",
  ),
  option(
    'Process',
    'inspectPort',
    '--inspect-port <port>',
    orNone(integer(1, 65535)),
    'inspector port of worker 0; worker 1 gets the next one, and so on',
  ),
  option(
    'Reporting',
    'logFormat',
    '--log-format <format>',
    values.logFormat,
    'plain, pretty or json (one object per line)',
  ),
  option(
    'Reporting',
    'logWorker',
    '--log-worker <how>',
    orNone(values.logWorker),
    "have each line of a worker's output say which one wrote it: prefix: before the line; field: as a field of lines that are JSON; default: none, unchanged",
  ),
  option(
    'Reporting',
    'status',
    '--status <address>',
    orNone(values.statusAddress),
    'serve a live page, /healthz, /readyz and /metrics (Prometheus) here: 127.0.0.1:9100, [::1]:9100 or unix:path',
  ),
  option(
    'Reporting',
    'statusPublic',
    '--status-public',
    values.boolean,
    'let --status be an address that other machines reach',
  ),
];
