/** `prefork.config.{ts,mjs,js,json}`: found, loaded, checked. */
import { existsSync, readFileSync } from 'node:fs';
import { basename, extname, join, resolve } from 'node:path';
import { pathToFileURL } from 'node:url';
import { invalidType, preforkError } from '../../base/errors';
import type { Hooks, LogFormat } from '../../manager/settings';
import { typeScriptHint } from '../typescript';
import { type Given, readOption } from './complete';
import { OPTIONS, type Option, type SettingName } from './options';

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

export interface FromFile {
  given: Given;
  hooks: Hooks;
}

const NAMES = ['ts', 'mjs', 'js', 'json'].map((ending) => `prefork.config.${ending}`);
const HOOKS: readonly (keyof Hooks)[] = ['beforeFork', 'afterFork', 'workerReady', 'workerExit'];
const NOTHING: FromFile = { given: new Map(), hooks: {} };

/**
 * What the configuration file says.
 *
 * @param file the one that was asked for; null: that of PREFORK_CONFIG, or the one in the working
 *   directory, if there is one; false: none
 * @throws Error `ERR_PREFORK_INVALID_ARG_VALUE`: no such file, several, unknown names, what it threw as `cause`
 */
export async function fromFile(file: string | null | false): Promise<FromFile> {
  const path = file === false ? null : find(file ?? (process.env['PREFORK_CONFIG'] || null));
  return path === null ? NOTHING : check(await load(path), basename(path));
}

function find(asked: string | null): string | null {
  if (asked !== null) {
    if (!existsSync(asked)) throw wrong(`There is no configuration file ${resolve(asked)}`);
    return resolve(asked);
  }
  const [found, other] = NAMES.filter((name) => existsSync(name));
  if (other !== undefined) {
    throw wrong(
      `There are both ${found} and ${other} in ${process.cwd()}: keep one, or name it with --config`,
    );
  }
  return found === undefined ? null : join(process.cwd(), found);
}

async function load(path: string): Promise<unknown> {
  try {
    if (extname(path) === '.json') return JSON.parse(readFileSync(path, 'utf8'));
    const loaded = (await import(pathToFileURL(path).href)) as { default?: unknown };
    return unwrap(loaded.default);
  } catch (cause) {
    throw wrong(`${path} could not be loaded: ${typeScriptHint(path) ?? String(cause)}`, cause);
  }
}

/** What a compiler makes of `export default` for CommonJS. */
function unwrap(exported: unknown): unknown {
  const isModule = typeof exported === 'object' && exported !== null && '__esModule' in exported;
  return isModule && 'default' in exported ? exported.default : exported;
}

function check(config: unknown, file: string): FromFile {
  if (typeof config !== 'object' || config === null || Array.isArray(config)) {
    throw invalidType(`the default export of ${file}`, 'an object', config);
  }
  const { hooks = {}, ...settings } = config as Record<string, unknown>;
  const given: Given = new Map();
  for (const [name, written] of Object.entries(flat(settings, file))) {
    if (written === undefined) continue;
    given.set(name as SettingName, readOption(optionNamed(name, file).read, `${name} in ${file}`, written));
  }
  return { given, hooks: checkHooks(hooks, file) };
}

/** `restart: { burst: 3 }` as `restart.burst: 3`. */
function flat(settings: Record<string, unknown>, file: string): Record<string, unknown> {
  const { restart, ...rest } = settings;
  if (restart === undefined) return rest;
  if (typeof restart !== 'object' || restart === null) {
    throw invalidType(`restart in ${file}`, 'an object', restart);
  }
  const inner = Object.entries(restart).map(([name, written]) => [`restart.${name}`, written]);
  return { ...rest, ...Object.fromEntries(inner) };
}

function optionNamed(name: string, file: string): Option {
  const option = OPTIONS.find((each) => each.name === name);
  if (option !== undefined) return option;
  throw wrong(`Unknown setting ${name} in ${file}: expected one of ${known()}`);
}

function known(): string {
  return [...OPTIONS.map(({ name }) => name), 'hooks'].join(', ');
}

function checkHooks(hooks: unknown, file: string): Hooks {
  if (typeof hooks !== 'object' || hooks === null) {
    throw invalidType(`hooks in ${file}`, 'an object', hooks);
  }
  for (const [name, hook] of Object.entries(hooks)) {
    if (!HOOKS.some((each) => each === name)) {
      throw wrong(`Unknown hook ${name} in ${file}: expected one of ${HOOKS.join(', ')}`);
    }
    if (typeof hook !== 'function') throw invalidType(`hooks.${name} in ${file}`, 'a function', hook);
  }
  return hooks;
}

function wrong(message: string, cause?: unknown): Error {
  return preforkError('ERR_PREFORK_INVALID_ARG_VALUE', message, { cause });
}
