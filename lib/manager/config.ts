import type { Hooks, LogFormat } from './settings';

/**
 * Contents of a configuration file; everything is optional. A duration is a string such as `'30s'` or a number of
 * milliseconds, a size is a string such as `'512M'` or a number of bytes. docs/command-line.md has the defaults.
 */
export interface Config {
  /** Number of workers; `'auto'`: one per processor that affinity and cgroup quota allow. */
  workers?: number | 'auto';
  /** Listen here, wherever the application does: `'host:port'`, `':port'`, `'unix:path'`, `'fd:3'`, or a port. */
  bind?: string | number | readonly (string | number)[];
  /** Time for a worker to finish its requests: from SIGTERM to SIGKILL. */
  gracefulTimeout?: string | number;
  /** Time for the application to reach its first listen, and for each worker to become ready. */
  bootTimeout?: string | number;
  /** Kill a worker whose event loop is blocked for this long, at least 100 ms; 0: never. */
  hangTimeout?: string | number;
  /** Up to `burst` crashes within `window` restart at once, later ones after `minDelay`, doubled up to `maxDelay`. */
  restart?: {
    /** Crashes within `window` that are restarted without delay. */
    burst?: number;
    /** How long a crash counts. */
    window?: string | number;
    /** First delay in a crash loop. */
    minDelay?: string | number;
    /** Longest delay in a crash loop. */
    maxDelay?: string | number;
    /** Give up after this many crashes in total; null: never. */
    limit?: number | null;
  };
  /** Replace a worker after this many requests, plus a random share up to `maxRequestsJitter`; null: never. */
  maxRequests?: number | null;
  /** From 0 to 1. */
  maxRequestsJitter?: number | string;
  /** Replace a worker whose private memory exceeds this; null: never. */
  maxMemory?: string | number | null;
  /** `'yes'`: load the application once and fork workers from it; `'no'`: load it in each; `'auto'`: once, unless it has connections or helper processes open at its first `listen`. */
  preload?: 'auto' | 'yes' | 'no';
  /** With `user`: load the application with the privileges of the manager; workers give them up when they are forked. */
  loadAsRoot?: boolean;
  /** Collect and compact the heap before forking. */
  warmup?: boolean;
  /** Let the heap of the application grow in one place, which makes forks faster. */
  gatherHeap?: boolean;
  /** Keep the young generation small after the warm-up: less memory, more garbage collection under load. */
  smallYoungGeneration?: boolean;
  /** Send 1,000 requests for these paths before forking, so that workers start warm. */
  rehearse?: string | readonly string[];
  /** Give each worker its own accept queue (SO_REUSEPORT): round-robin as root, else by address hash. */
  balanced?: boolean;
  /** `'ip'`: all connections from one address go to one worker; null: to the worker with the fewest. */
  sticky?: 'ip' | null;
  /** User of the workers, name or id, if the manager is root; null: the manager's. */
  user?: string | number | null;
  /** Group of the workers; default: that of `user`. */
  group?: string | number | null;
  /** File mode creation mask: `0o022` or `'022'`. */
  umask?: string | number | null;
  /** Mode of Unix sockets: `0o660` or `'660'`; default: everybody may connect to those of `bind`. */
  socketMode?: string | number | null;
  /** Owner of Unix sockets, name or id; default: `user`. */
  socketUser?: string | number | null;
  /** Group of Unix sockets, name or id; default: that of the workers. */
  socketGroup?: string | number | null;
  /** By which commands such as `prefork status` find it; null: the name of the application's package. */
  name?: string | null;
  /** Write the manager's pid here, and remove the file at its end; null: nowhere. */
  pidFile?: string | null;
  /** Change to this directory before loading the application. */
  cwd?: string | null;
  /** Process title in `ps`, followed by the process's role. */
  title?: string | null;
  /** Format of the log. */
  logFormat?: LogFormat;
  /** Have each line of output say which worker wrote it: before the line, or as a field of one that is JSON; null: unchanged. */
  logWorker?: 'prefix' | 'field' | null;
  /** Serve /healthz, /readyz and /metrics here: `'127.0.0.1:9100'`, `'unix:path'`; null: nowhere. */
  status?: string | number | null;
  /** `status` may be an address that other machines reach. */
  statusPublic?: boolean;
  /** Inspector port of worker 0; worker 1 gets the next one, and so on; null: none. */
  inspectPort?: number | null;
  /** Functions to call during a worker's life. */
  hooks?: Hooks;
}

/** Gives a configuration its type, and returns it unchanged: `export default defineConfig({ workers: 4 })`. */
export function defineConfig(config: Config): Config {
  return config;
}
