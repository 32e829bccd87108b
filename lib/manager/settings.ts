import type { LogEntry } from './log-events';

/** What the process manager can be told, in one place: the command line, files and the environment all end here. */

/** Where to listen: a TCP address, a Unix socket, or a socket that was handed over (systemd's `LISTEN_FDS`). */
export type Bind =
  | { kind: 'tcp'; host: string | null; port: number; ipv6Only?: boolean; backlog?: number }
  | { kind: 'unix'; path: string; mode?: number; backlog?: number }
  /** By number, or by the name that systemd gives it (`FileDescriptorName=`), which becomes a number. */
  | { kind: 'fd'; fd: number; name?: string };

/** What is served. */
export interface Application {
  /** Its file, absolute and without links. */
  path: string;
  /** Of its package. */
  version: string | null;
}

/** As commands show it and find it. */
export interface Identity {
  name: string | null;
  application: Application;
}

/** `plain`: a line for services; `pretty`: with times and colours, for people; `json`: one object a line, for machines. */
export type LogFormat = 'plain' | 'pretty' | 'json';

/** A worker as hooks see it, and as `worker()` gives it in the worker itself. */
export interface WorkerInfo {
  /** 0, 1, …; the process that replaces a worker keeps its id. */
  id: number;
  /** Its process. */
  pid: number;
  /** Number of rolling replacements (SIGHUP) before it. */
  generation: number;
  /** Number of restarts of this id after its process ended by itself. */
  restarts: number;
}

/** How a worker's process ended: one of the two is null. */
export interface WorkerExit {
  /** What it exited with; null if a signal ended it. */
  code: number | null;
  /** What ended it; null if it exited. */
  signal: NodeJS.Signals | null;
  /** The kernel killed it because memory ran out. */
  outOfMemory?: true;
}

/** Functions that a configuration file may give. Promises of all but `afterFork` are awaited. */
export interface Hooks {
  /** Called once in the template, after loading the application and before workers are forked: close what must not be shared. */
  beforeFork?(): void | PromiseLike<void>;
  /** Called in each new worker before it serves: open its own connections. */
  afterFork?(worker: WorkerInfo): void;
  /**
   * Called in a worker as soon as it is told to end, while requests are still being answered: tell clients of WebSockets,
   * event streams and the like. `process` emits 'workerStopping' right afterwards. The worker waits for a promise, within
   * the graceful timeout, before the application's own listeners get the signal, and before it ends.
   */
  workerStopping?(worker: WorkerInfo): void | PromiseLike<void>;
  /** Called in the attendant, a process of its own, when a worker has become ready. */
  workerReady?(worker: WorkerInfo): void | PromiseLike<void>;
  /** Called in the attendant when a worker's process has ended, told to or not. */
  workerExit?(worker: WorkerInfo, exit: WorkerExit): void | PromiseLike<void>;
  /** Called in the attendant when SIGHUP has replaced every worker: the files are in service that this generation has read. */
  reloaded?(reload: { generation: number }): void | PromiseLike<void>;
}

/** Where a service manager wants to hear how the service is. */
export interface NotifyTarget {
  /** The path of a Unix socket; a first NUL is for the abstract namespace. */
  socket: string;
  /** Milliseconds within which it wants a sign of life; null: none. */
  watchdog: number | null;
}

/** Complete and checked: every default is filled in. Times are in milliseconds, memory is in bytes. */
export interface Settings {
  /** How many workers: `auto` is the processors by cgroup quota and affinity. */
  workers: number | 'auto';
  /** Empty: where the application itself listens. Given: its first `listen` is answered with these instead. */
  bind: Bind[];
  /** From SIGTERM to SIGKILL of a worker that has requests in hand. Default 30,000. */
  gracefulTimeout: number;
  /** From the start of a template to the first `listen`, and from a worker's fork to its readiness. Default 60,000. */
  bootTimeout: number;
  /** Kill a worker whose event loop is blocked for this long, at least 100; 0: never. Default 30,000. */
  hangTimeout: number;
  /** Crashes at once up to `burst` within `window`, then with a backoff from `min` to `max`, doubled each time. */
  restart: { burst: number; window: number; minDelay: number; maxDelay: number; limit: number | null };
  /** Replace a worker after so many requests, plus up to `jitter` of that (0 to 1); null: never. */
  maxRequests: number | null;
  maxRequestsJitter: number;
  /** Replace a worker whose private memory is above this; null: never. */
  maxMemory: number | null;
  /**
   * `yes`: load the application once, and fork workers from it; `no`: load it in each worker; `auto`: once, unless it has
   * connections or helper processes open at its first `listen`, which workers cannot share.
   */
  preload: 'auto' | 'yes' | 'no';
  /** Load the application with the rights that the manager was started with, and give them up in the workers only. */
  loadAsRoot: boolean;
  /** Collect and compact the heap before forking. Default true. */
  warmup: boolean;
  /** Let the heap of the application grow in one place. Default true. */
  gatherHeap: boolean;
  /** With the warm-up: the option of `warmup()` of that name. */
  smallYoungGeneration: boolean;
  /** Paths that the application is asked for, in the template, before the first fork. Default: none. */
  rehearse: string[];
  /** One accept queue per worker (SO_REUSEPORT), so that connections are spread evenly. */
  balanced: boolean;
  /** `ip`: the address of a client decides which worker gets its connections; null: the one that has room. */
  sticky: 'ip' | null;
  user: string | number | null;
  group: string | number | null;
  umask: number | null;
  /** Mode of Unix sockets; null: 0666 less `umask` for those of `bind`, Node's for the application's own. */
  socketMode: number | null;
  /** Their owner; null: `user`, and its group or `group`. */
  socketUser: string | number | null;
  socketGroup: string | number | null;
  /** By which commands find it, such as `prefork status`; null: its package's. */
  name: string | null;
  pidFile: string | null;
  cwd: string | null;
  /** As `ps` shows it, followed by what the process is; null: left alone. */
  title: string | null;
  logFormat: LogFormat;
  /** How lines of output say which worker wrote them: before each, or as a field of those that are JSON; null: they do not. */
  logWorker: 'prefix' | 'field' | null;
  /** Where the attendant serves /healthz, /readyz and /metrics; null: nowhere. */
  status: Bind | null;
  /** `status` may be an address that other machines reach. */
  statusPublic: boolean;
  /** Worker `id` gets this port plus `id`; null: no inspector. */
  inspectPort: number | null;
  hooks: Hooks;
}

export const DEFAULTS: Settings = {
  workers: 'auto',
  bind: [],
  gracefulTimeout: 30_000,
  bootTimeout: 60_000,
  hangTimeout: 30_000,
  restart: { burst: 3, window: 60_000, minDelay: 500, maxDelay: 15_000, limit: null },
  maxRequests: null,
  maxRequestsJitter: 0.1,
  maxMemory: null,
  preload: 'auto',
  loadAsRoot: false,
  warmup: true,
  gatherHeap: true,
  smallYoungGeneration: false,
  rehearse: [],
  balanced: false,
  sticky: null,
  user: null,
  group: null,
  umask: null,
  socketMode: null,
  socketUser: null,
  socketGroup: null,
  name: null,
  pidFile: null,
  cwd: null,
  title: 'prefork',
  logFormat: 'plain',
  logWorker: null,
  status: null,
  statusPublic: false,
  inspectPort: null,
  hooks: {},
};

/** Settings as they go from one process to another: without functions. */
export interface PlainSettings extends Omit<Settings, 'hooks'> {
  /** There is a hook that watches workers from outside, or a status to serve, so that a process is needed for it. */
  watches: boolean;
  /** null: not known. */
  application: Application | null;
}

const WATCHING: readonly string[] = ['workerReady', 'workerExit', 'reloaded'] satisfies (keyof Hooks)[];

/** @param names of the hooks, where these are not known themselves */
export function plain(
  { hooks, ...settings }: Settings,
  names: readonly string[] = Object.keys(hooks),
): PlainSettings {
  const watches = names.some((name) => WATCHING.includes(name)) || settings.status !== null;
  return { ...settings, restart: { ...settings.restart }, watches, application: null };
}

/** What a process that reads the configuration has found, as it goes to the manager. */
export interface Found {
  /** As the file has it, by the names of settings: still to be read and checked. */
  written: Record<string, unknown>;
  /** The names of its hooks. */
  hooks: string[];
  /** Addresses of the hosts at which to listen, by name: the manager looks none up. */
  addresses: Record<string, string>;
}

/** How the manager comes to its settings. It runs nothing of the user's for that. */
export interface Configuration {
  /** What the command line and the environment say: it wins over what a file says, whatever that is. */
  readonly known: PlainSettings;
  /** All settings; undefined: that takes a process of its own, which reads a file, looks a name up, or says what is wrong. */
  atOnce(): PlainSettings | undefined;
  /**
   * All settings, with what such a process has found.
   *
   * @throws Error: no settings come of that
   */
  complete(found: Found): PlainSettings;
}

/** Writes one entry before it returns: no process may still hold it when it ends or forks. */
export type Log = (entry: LogEntry) => void;
