/**
 * Every setting as an option: how it is written on the command line, in the environment and in a configuration file,
 * and how it is read. One line here is all that a new setting needs.
 */
import { MIN_HANG_TIMEOUT } from '../../manager/policy';
import type { Settings } from '../../manager/settings';
import * as values from './values';

type Flat = Omit<Settings, 'hooks' | 'restart'>;

/** A setting by its name in configuration files; those of `restart` have two parts. */
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
  /** The environment's names, the one that wins first. */
  variables: string[];
  read: values.Reader<unknown>;
  help: string;
  /** The heading of `--help` below which it stands. */
  group: Group;
}

export const GROUPS = ['Serving', 'Life of a worker', 'Starting again', 'Process', 'Reporting'] as const;
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
    'how many workers; auto: the processors that this process may use, by affinity and cgroup quota',
    ['WEB_CONCURRENCY'],
  ),
  option(
    'Serving',
    'bind',
    '-b, --bind <address>',
    values.bind,
    'host:port, :port, unix:path or fd:number; several: repeat it, or commas. Takes the place of where the application listens',
  ),
  option(
    'Serving',
    'balanced',
    '--balanced',
    values.boolean,
    'a queue of connections for each worker (SO_REUSEPORT), in turns as root, by a hash of the addresses otherwise',
  ),
  option('Serving', 'warmup', '--warmup', values.boolean, 'collect and compact the heap before forking'),
  option(
    'Serving',
    'smallYoungGeneration',
    '--small-young-generation',
    values.boolean,
    'and keep the young generation small: less memory, more collecting where much is in flight',
  ),
  option(
    'Serving',
    'rehearse',
    '--rehearse <path>',
    values.paths,
    'ask the application for this, 1,000 times, before forking, so that workers begin with optimised code; several: repeat it, or commas',
  ),
  option(
    'Life of a worker',
    'bootTimeout',
    '--boot-timeout <duration>',
    duration(1),
    'how long a worker may take until it listens, and the application to its first listen',
  ),
  option(
    'Life of a worker',
    'hangTimeout',
    '--hang-timeout <duration>',
    durationOrZero(MIN_HANG_TIMEOUT),
    "how long a worker's event loop may stand still before it is killed, 100ms or more; 0: for ever",
  ),
  option(
    'Life of a worker',
    'gracefulTimeout',
    '--graceful-timeout <duration>',
    duration(0),
    'how long a worker may take to finish its requests',
  ),
  option(
    'Life of a worker',
    'maxRequests',
    '--max-requests <number>',
    orNone(integer(1, ANY)),
    'replace a worker after so many requests; none: never',
  ),
  option(
    'Life of a worker',
    'maxRequestsJitter',
    '--max-requests-jitter <share>',
    values.fraction,
    'up to this share more, so that workers are not replaced all at once',
  ),
  option(
    'Life of a worker',
    'maxMemory',
    '--max-memory <size>',
    orNone(values.size),
    'replace a worker whose private memory is above this; none: never',
  ),
  option(
    'Starting again',
    'restart.burst',
    '--restart-burst <number>',
    integer(0, ANY),
    'so many crashes within the window are answered at once',
  ),
  option(
    'Starting again',
    'restart.window',
    '--restart-window <duration>',
    duration(1),
    'for how long a crash counts',
  ),
  option(
    'Starting again',
    'restart.minDelay',
    '--restart-min-delay <duration>',
    duration(1),
    'the first delay after too many crashes, doubled each time',
  ),
  option(
    'Starting again',
    'restart.maxDelay',
    '--restart-max-delay <duration>',
    duration(1),
    'the longest delay',
  ),
  option(
    'Starting again',
    'restart.limit',
    '--restart-limit <number>',
    orNone(integer(0, ANY)),
    'give up after so many crashes in all; none: never',
  ),
  option(
    'Process',
    'user',
    '--user <name>',
    orNone(values.account),
    'name or id of the user that the workers run as',
  ),
  option(
    'Process',
    'group',
    '--group <name>',
    orNone(values.account),
    'name or id of the group that the workers run as',
  ),
  option(
    'Process',
    'umask',
    '--umask <mode>',
    orNone(values.umask),
    'permission bits, in octal, that new files lack',
  ),
  option(
    'Process',
    'cwd',
    '--cwd <directory>',
    orNone(values.text),
    'working directory, from before the application is loaded',
  ),
  option('Process', 'pidFile', '--pid-file <file>', orNone(values.text), "where the parent's pid is written"),
  option(
    'Process',
    'title',
    '--title <text>',
    orNone(values.text),
    'what ps shows, followed by what each process is',
  ),
  option(
    'Process',
    'inspectPort',
    '--inspect-port <port>',
    orNone(integer(1, 65535)),
    "worker 0's inspector; worker 1 has the next port, and so on",
  ),
  option(
    'Reporting',
    'logFormat',
    '--log-format <format>',
    values.logFormat,
    'plain, pretty or json (one object a line)',
  ),
];
