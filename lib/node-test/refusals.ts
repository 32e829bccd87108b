/** What cannot be done by forks of a template: then node:test starts the processes itself. */
import { sep } from 'node:path';
import { hasAddon } from '../base/binding';
import { optionPerProcess } from '../testing/per-process';
import type { Spawning } from './intercept';

/** Whoever reports on coverage leaves packages out. */
const IS_INSTALLED = __filename.includes(`${sep}node_modules${sep}`);

/** Why not, in a few words; undefined if nothing speaks against it. */
export function refusal({ args, stdio, envPairs = [] }: Spawning): string | undefined {
  const option = optionPerProcess(args);
  if (process.platform !== 'linux') return 'fork() needs Linux';
  if (!hasAddon) return 'the addon of prefork cannot be loaded';
  if (option !== undefined) return `${option} is for processes that Node itself starts`;
  if (!IS_INSTALLED && envPairs.some((pair) => pair.startsWith('NODE_V8_COVERAGE=')))
    return 'coverage would count the files of prefork, which is in no node_modules here';
  // Then the file's process says which modules it loads, over a channel that Node sets up when it starts.
  if (!Array.isArray(stdio) || stdio.length !== 3) return 'there is no watch mode in which they are forked';
  return undefined;
}
