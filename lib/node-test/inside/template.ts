/**
 * What goes on in a template: node:test is loaded, and what the user has named; no test file is. A child runs one file as
 * `node` would.
 */
import { closeSync } from 'node:fs';
import { Module } from 'node:module';
import { resolve } from 'node:path';
import { nextTurn, setImmediate } from '../../base/timers';
import { dup2 } from '../../os';
import { begin as beginTemplate } from '../../testing/inside/template';
import type { Entry, Step } from '../entry';
import { hasTests, preload } from './preload';

/** What Node's options have had it load before this. */
async function whyNot(): Promise<string | undefined> {
  await nextTurn();
  if (hasTests())
    return "what --import or --require loads registers tests or hooks, or listens for 'beforeExit'";
  const opened = process.getActiveResourcesInfo().filter((kind) => kind !== 'PipeWrap');
  if (opened.length > 0) return `what --import or --require loads opens ${opened.join(', ')}`;
  // Every file loads it, and all that it evaluates is Node's own.
  await import('node:test');
  return undefined;
}

/** Turns into the process of a file: it finds what it would find in one that was started for it. */
function run({ path, argv, env }: Entry, streams: readonly number[]): void {
  for (const [standard, fd] of streams.entries()) {
    dup2(fd, standard);
    closeSync(fd);
  }
  process.argv = [process.execPath, resolve(path), ...argv];
  Object.assign(process.env, env);
  // By itself, so that ticks come before promises, as after any main program.
  setImmediate(Module.runMain);
}

/** In a process that was started for it. */
export function begin(): void {
  beginTemplate<Step, Entry>({
    take: (step, socket) => (step.step === 'begin' ? whyNot() : preload(step.name, socket)),
    run,
  });
}
