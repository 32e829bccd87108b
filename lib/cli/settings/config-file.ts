/** Finds, loads and checks `prefork.config.{ts,mjs,js,json}`. */
import { existsSync, readFileSync } from 'node:fs';
import { basename, extname, join, resolve } from 'node:path';
import { pathToFileURL } from 'node:url';
import { hasAddon } from '../../base/binding';
import { invalidType, preforkError } from '../../base/errors';
import { typeScriptHint } from '../../base/typescript';
import type { Hooks } from '../../manager/settings';
import { trust } from '../../manager/system/paths';
import { type Given, readOption } from './complete';
import { OPTIONS, type Option, type SettingName } from './options';

export interface FromFile {
  /** Its settings by name, as they are written there. */
  written: Record<string, unknown>;
  given: Given;
  hooks: Hooks;
}

const NAMES = ['ts', 'mjs', 'js', 'json'].map((ending) => `prefork.config.${ending}`);
const HOOKS: readonly (keyof Hooks)[] = [
  'beforeFork',
  'afterFork',
  'workerStopping',
  'workerReady',
  'workerExit',
  'reloaded',
];
const NOTHING: FromFile = { written: {}, given: new Map(), hooks: {} };

/**
 * The path of the configuration file; null if there is none.
 *
 * @param file its name; null: PREFORK_CONFIG's, or the one in the working directory, if any; false: none
 * @throws Error `ERR_PREFORK_INVALID_ARG_VALUE`: no such file, or several files
 */
export function findConfigFile(file: string | null | false): string | null {
  return file === false ? null : find(file ?? (process.env['PREFORK_CONFIG'] || null));
}

/**
 * Runs the configuration file.
 *
 * @param path null: there is none
 * @throws Error `ERR_PREFORK_UNSAFE_PATH`: this process is root, and others can change the file;
 *   `ERR_PREFORK_INVALID_ARG_VALUE`: unknown names, or what it threw as `cause`
 */
export async function fromFile(path: string | null): Promise<FromFile> {
  if (path === null) return NOTHING;
  trustConfigFile(path);
  return check(await load(path), basename(path));
}

/**
 * Reads the settings of a file by what is written there.
 *
 * @throws Error `ERR_PREFORK_INVALID_ARG_VALUE`: an unknown name; what `readOption` throws
 */
export function readWritten(written: Record<string, unknown>, file: string): Given {
  const entries = Object.entries(written).map(([name, value]): [SettingName, unknown] => [
    name as SettingName,
    readOption(optionNamed(name, file).read, `${name} in ${file}`, value),
  ]);
  return new Map(entries);
}

function find(asked: string | null): string | null {
  if (asked !== null) {
    if (!existsSync(asked)) throw wrong(`Cannot find the configuration file ${resolve(asked)}`);
    return resolve(asked);
  }
  const [found, other] = NAMES.filter((name) => existsSync(name));
  if (other !== undefined) {
    throw wrong(`Found both ${found} and ${other} in ${process.cwd()}: keep one, or name it with --config`);
  }
  return found === undefined ? null : join(process.cwd(), found);
}

/**
 * What it says is done with the manager's rights.
 *
 * @throws Error `ERR_PREFORK_UNSAFE_PATH`: this process is root, and others can change the file
 */
export function trustConfigFile(path: string): void {
  if (!hasAddon) return; // nothing of it is run for other users
  try {
    trust(path);
  } catch (error) {
    if (!(error instanceof Error) || Reflect.get(error, 'code') !== 'ERR_PREFORK_UNSAFE_PATH') throw error;
    throw preforkError(
      'ERR_PREFORK_UNSAFE_PATH',
      `${error.message}. What it says is done as root: let only root write to it, start prefork as its owner, or leave it out ` +
        'with --no-config',
    );
  }
}

async function load(path: string): Promise<unknown> {
  try {
    if (extname(path) === '.json') return JSON.parse(readFileSync(path, 'utf8'));
    const loaded = (await import(pathToFileURL(path).href)) as { default?: unknown };
    return unwrap(loaded.default);
  } catch (cause) {
    throw wrong(`Cannot load ${path}: ${typeScriptHint(path) ?? String(cause)}`, cause);
  }
}

/** Compilers to CommonJS turn `export default` into this. */
function unwrap(exported: unknown): unknown {
  const isModule = typeof exported === 'object' && exported !== null && '__esModule' in exported;
  return isModule && 'default' in exported ? exported.default : exported;
}

function check(config: unknown, file: string): FromFile {
  if (typeof config !== 'object' || config === null || Array.isArray(config)) {
    throw invalidType(`the default export of ${file}`, 'an object', config);
  }
  const { hooks = {}, ...settings } = config as Record<string, unknown>;
  const all = Object.entries(flat(settings, file)).filter(([, value]) => value !== undefined);
  const written = Object.fromEntries(all);
  return { written, given: readWritten(written, file), hooks: checkHooks(hooks, file) };
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
