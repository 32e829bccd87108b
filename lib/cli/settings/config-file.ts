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
const NOTHING: FromFile = { given: new Map(), hooks: {} };

/**
 * Reads the configuration file.
 *
 * @param file its name; null: PREFORK_CONFIG's, or the one in the working directory, if any; false: none
 * @throws Error `ERR_PREFORK_UNSAFE_PATH`: this process is root, and others can change the file;
 *   `ERR_PREFORK_INVALID_ARG_VALUE`: no such file, several files, unknown names, or what it threw as `cause`
 */
export async function fromFile(file: string | null | false): Promise<FromFile> {
  const path = file === false ? null : find(file ?? (process.env['PREFORK_CONFIG'] || null));
  if (path === null) return NOTHING;
  refuseForeign(path);
  return check(await load(path), basename(path));
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

/** What it says is done, and its code run, with this process's rights. */
function refuseForeign(path: string): void {
  if (!hasAddon) return; // nothing of it is run for other users
  try {
    trust(path);
  } catch (error) {
    if (!(error instanceof Error) || Reflect.get(error, 'code') !== 'ERR_PREFORK_UNSAFE_PATH') throw error;
    throw preforkError(
      'ERR_PREFORK_UNSAFE_PATH',
      `${error.message}. It would be run as root: let only root write to it, start prefork as its owner, or leave it out ` +
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
