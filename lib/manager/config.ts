import type { Hooks, LogFormat } from './settings';

/**
 * What a configuration file may say; everything is optional. Durations are texts such as `'30s'` or numbers of
 * milliseconds, sizes are texts such as `'512M'` or numbers of bytes. docs/configuration.md has the defaults.
 */
export interface Config {
  /** How many workers; `'auto'`: the processors that this process may use, by affinity and cgroup quota. */
  workers?: number | 'auto';
  /** `'host:port'`, `':port'`, `'unix:path'`, `'fd:3'`, or a port; takes the place of where the application listens. */
  bind?: string | number | readonly (string | number)[];
  /** From SIGTERM to SIGKILL of a worker that has requests in hand. */
  gracefulTimeout?: string | number;
  /** From the fork to readiness, and from the start of the application to its first listen. */
  bootTimeout?: string | number;
  /** How long a worker's event loop may stand still, 100 ms or more; 0: for ever. */
  hangTimeout?: string | number;
  /** Crashes are answered at once up to `burst` within `window`, then after `minDelay`, doubled up to `maxDelay`. */
  restart?: {
    /** So many crashes are answered at once; one more within `window` is answered with a delay. */
    burst?: number;
    /** How far back crashes count. */
    window?: string | number;
    /** The first delay. */
    minDelay?: string | number;
    /** The longest delay. */
    maxDelay?: string | number;
    /** Give up after so many crashes in all; null: never. */
    limit?: number | null;
  };
  /** Replace a worker after so many requests, plus up to a share of `maxRequestsJitter`; null: never. */
  maxRequests?: number | null;
  /** 0 to 1. */
  maxRequestsJitter?: number | string;
  /** Replace a worker whose private memory is above this; null: never. */
  maxMemory?: string | number | null;
  /** Collect and compact the heap before forking. */
  warmup?: boolean;
  /** With the warm-up: keep the young generation small, for less memory and more collecting where much is in flight. */
  smallYoungGeneration?: boolean;
  /** Paths that the application is asked for, 1,000 times, before forking, so that workers begin with optimised code. */
  rehearse?: string | readonly string[];
  /** A queue of connections for each worker (SO_REUSEPORT), in turns as root, by a hash of the addresses otherwise. */
  balanced?: boolean;
  /** Who the workers run as, by name or number, if the parent is root; null: as the parent. */
  user?: string | number | null;
  /** Their group; left out, that of `user`. */
  group?: string | number | null;
  /** `0o022` or `'022'`. */
  umask?: string | number | null;
  /** Permission bits of Unix sockets, `0o660` or `'660'`; left out: everybody may connect to those of `bind`. */
  socketMode?: string | number | null;
  /** Who Unix sockets belong to, by name or number; left out: `user`. */
  socketUser?: string | number | null;
  /** Their group; left out: that of the workers. */
  socketGroup?: string | number | null;
  /** Where the parent's pid is written, and removed at its end; null: nowhere. */
  pidFile?: string | null;
  /** Working directory, from before the application is loaded. */
  cwd?: string | null;
  /** As `ps` shows it, followed by what the process is. */
  title?: string | null;
  /** How the lines of the log look. */
  logFormat?: LogFormat;
  /** Worker 0's inspector; worker 1 has the next port, and so on; null: none. */
  inspectPort?: number | null;
  /** Functions to be called at turns of a worker's life. */
  hooks?: Hooks;
}

/** Gives a configuration its type: `export default defineConfig({ workers: 4 })`. Returns it as it is. */
export function defineConfig(config: Config): Config {
  return config;
}
