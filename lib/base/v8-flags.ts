/**
 * Flags of V8 that are set in a running process, and which of them this V8 has. One that it does not have is left out: V8
 * would print "unrecognized flag" to the user's terminal, and tell nobody else.
 */
import { setFlagsFromString } from 'node:v8';
import { spawnApart } from './spawn-apart';

export const FLAGS = [
  'expose-gc',
  'flush-bytecode',
  'memory-reducer-gc-count',
  'optimize-for-size',
  'semi-space-growth-factor',
  'stress-incremental-marking',
] as const;
export type Flag = (typeof FLAGS)[number];

/** The versions of V8 that the tests have run on (Node 20, 22, 24 and 26), and what they lack. */
const KNOWN: Readonly<Record<number, readonly Flag[]>> = {
  11: ['memory-reducer-gc-count'],
  12: [],
  13: [],
  14: [],
};

/** How long a Node may take to list its flags, in milliseconds. It takes 20. */
const PATIENCE = 5000;

export const V8_VERSION = Number.parseInt(process.versions.v8, 10);

/** Of this Node, and so the same in every child. */
let missing: readonly Flag[] | undefined = KNOWN[V8_VERSION];

/** Whether this V8 has the flag. Of a V8 that is not known, its Node is asked, once; what cannot be asked has none. */
export function hasFlag(flag: Flag): boolean {
  missing ??= askForMissing();
  return !missing.includes(flag);
}

/** A program that carries its Node within itself would not list flags, but run once more. */
function askForMissing(): readonly Flag[] {
  if (isSingleExecutable()) return FLAGS;
  const { spawnSync } = require('node:child_process') as typeof import('node:child_process');
  const { stdout } = spawnApart(() =>
    spawnSync(process.execPath, ['--v8-options'], {
      encoding: 'utf8',
      env: { ...process.env, NODE_OPTIONS: '' },
      stdio: ['ignore', 'pipe', 'ignore'],
      timeout: PATIENCE,
    }),
  );
  const listed = (stdout ?? '').replaceAll('_', '-');
  return FLAGS.filter((flag) => !new RegExp(`^ +--(\\[no-\\])?${flag} `, 'm').test(listed));
}

function isSingleExecutable(): boolean {
  try {
    return (require('node:sea') as { isSea(): boolean }).isSea();
  } catch {
    return false; // before Node 20.12
  }
}

/** Sets it, for everything that this process does from now on. `--no-` switches one off. */
export function setFlag(flag: Flag, value: boolean | number): void {
  if (!hasFlag(flag)) return;
  if (typeof value === 'number') setFlagsFromString(`--${flag}=${value}`);
  else setFlagsFromString(value ? `--${flag}` : `--no-${flag}`);
}

/** Whether the command line or the environment says something of a flag, which then is not ours to change. */
export function isGiven(flag: Flag | 'memory-reducer'): boolean {
  const given = [...process.execArgv, process.env['NODE_OPTIONS'] ?? ''].join(' ').replaceAll('_', '-');
  return given.includes(flag);
}
