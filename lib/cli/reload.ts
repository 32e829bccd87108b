/** `prefork reload`: has a manager put the files as they are now into service, and waits for what comes of it. */
import { readFileSync } from 'node:fs';
import { setTimeout } from 'node:timers/promises';
import { print, writeToStderr } from '../base/blocking-write';
import { preforkError } from '../base/errors';
import { type Published, readPublished } from '../manager/system/published-state';

/** Milliseconds. */
const LOOK_INTERVAL = 50;

/**
 * Says whether every worker has been replaced, or why not, and answers the status to end with: 0 or 1.
 *
 * @param target the manager's pid, or the file that it is in
 */
export async function reload(target: string): Promise<number> {
  try {
    print(`Generation ${await replaceWorkers(pidOf(target))} serves: every worker has been replaced\n`);
    return 0;
  } catch (error) {
    writeToStderr(`prefork: ${(error as Error).message}\n`);
    return 1;
  }
}

/**
 * Answers the generation that serves from now on.
 *
 * @throws Error that says, for people, why it does not
 */
async function replaceWorkers(pid: number): Promise<number> {
  const before = await look(pid);
  if (before.phase !== 'running') throw new Error(`Process ${pid} is ending`);
  process.kill(pid, 'SIGHUP');
  const after = await settled(pid, before);
  if (after.generation === null || after.generation <= before.newest) {
    const why = after.refused?.why ?? 'it was given up';
    throw new Error(
      `The new version is not put into service: ${why}. Generation ${after.generation} serves on; ` +
        `the log of process ${pid} says more`,
    );
  }
  return after.generation;
}

function pidOf(target: string): number {
  const content = /^\d+$/.test(target) ? target : readFileSync(target, 'latin1').trim();
  const pid = /^\d{1,10}$/.test(content) ? Number(content) : 0;
  if (pid > 0) return pid;
  const message = `Expected a pid, or a file with one, for reload but received ${target}`;
  throw preforkError('ERR_PREFORK_INVALID_ARG_VALUE', message, { Base: TypeError });
}

/** The manager's state once it has taken the signal, and nothing is under way any more. */
async function settled(pid: number, { newest }: Published): Promise<Published> {
  for (;;) {
    const now = await lookAgain(pid);
    if (now.phase !== 'running') throw new Error(`Process ${pid} ended before the new version served`);
    if (now.newest > newest && !now.isReplacing) return now;
    await setTimeout(LOOK_INTERVAL);
  }
}

async function lookAgain(pid: number): Promise<Published> {
  try {
    return await look(pid);
  } catch (cause) {
    throw new Error(`Process ${pid} ended before the new version served`, { cause });
  }
}

async function look(pid: number): Promise<Published> {
  for (;;) {
    const published = readPublished(pid);
    if (published !== undefined) return published;
    await setTimeout(LOOK_INTERVAL);
  }
}
