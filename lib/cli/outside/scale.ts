/** `prefork scale`: so many workers, or so many more or fewer; waits until it is so. */

import { preforkError } from '../../base/errors';
import { printable } from '../../base/printable';
import { MAX_WORKERS } from '../../manager/scoreboard';
import type { Shown } from '../../manager/shown/form';
import { signal } from './signal';
import { endedBefore, type Waiting } from './waiting';

/** @param change `4`, `+1`, `-1` */
export async function scale(waiting: Waiting, change: string): Promise<string> {
  const { pid } = waiting.manager;
  const before = await seen(waiting);
  if (before.generation === null) {
    throw new Error(`Process ${pid} is still loading its application: scale it when it serves`);
  }
  const target = targetOf(change, before.wanted);
  await step(waiting, target);
  await arrive(waiting, target);
  return before.wanted === target
    ? `${workers(target)}, as before`
    : `${workers(target)} instead of ${before.wanted}`;
}

/** @throws RangeError `ERR_PREFORK_OUT_OF_RANGE`, TypeError `ERR_PREFORK_INVALID_ARG_VALUE` */
function targetOf(change: string, wanted: number): number {
  if (!isChange(change)) {
    throw preforkError(
      'ERR_PREFORK_INVALID_ARG_VALUE',
      `Expected a number of workers, such as 4, +1 or -1, but received '${printable(change)}'`,
      { Base: TypeError },
    );
  }
  const target = /^[+-]/.test(change) ? wanted + Number(change) : Number(change);
  if (target >= 1 && target <= MAX_WORKERS) return target;
  throw preforkError(
    'ERR_PREFORK_OUT_OF_RANGE',
    `Expected 1 to ${MAX_WORKERS} workers but received ${change}, which makes ${target} of ${wanted}. ` +
      'The last worker stays: to end them all, use prefork stop',
    { Base: RangeError },
  );
}

export function isChange(text: string): boolean {
  return /^[+-]?\d{1,5}$/.test(text);
}

/** One signal at a time, each when the one before has been heard: the kernel makes one of several that are pending. */
async function step(waiting: Waiting, target: number): Promise<void> {
  for (let wanted = (await seen(waiting)).wanted; wanted !== target; ) {
    const isMore = wanted < target;
    const { resizes } = await signal(waiting, isMore ? 'SIGTTIN' : 'SIGTTOU');
    wanted += isMore ? 1 : -1;
    const now = await heard(waiting, resizes);
    if (now.wanted !== wanted) throw outvoted(now);
  }
}

async function heard(waiting: Waiting, before: number): Promise<Shown> {
  for (;;) {
    const now = await seen(waiting);
    if (now.resizes !== before) return now;
    await waiting.pause('its number of workers to change');
  }
}

function outvoted({ wanted }: Shown): Error {
  return new Error(`Somebody else has changed the number of workers, too: it is ${wanted} now`);
}

/** So many are ready, and those that are too many have ended. */
async function arrive(waiting: Waiting, target: number): Promise<void> {
  for (;;) {
    const now = await seen(waiting);
    if (now.wanted !== target) throw outvoted(now);
    const all = now.processes.flatMap(({ worker }) => worker ?? []);
    const ready = all.filter(({ phase }) => phase === 'ready');
    if (ready.length === target && all.length === target) return;
    await waiting.pause(`${workers(target)}: ${ready.length} ready, ${all.length - ready.length} not`);
  }
}

async function seen(waiting: Waiting): Promise<Shown> {
  const shown = await waiting.look();
  if (shown?.phase === 'running') return shown;
  throw endedBefore(waiting.manager.pid, 'it had so many workers');
}

function workers(count: number): string {
  return `${count} worker${count === 1 ? '' : 's'}`;
}
