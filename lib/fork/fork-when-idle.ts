import { setImmediate, setTimeout } from 'node:timers/promises';
import { integer } from '../base/arguments';
import { invalidType } from '../base/errors';
import { knownOptions } from '../base/option-names';
import { type ForkOptions, fork } from './fork';
import { requestsInFlight } from './in-flight';

/** How long to wait, and what `fork()` takes. */
export interface ForkWhenIdleOptions extends Omit<ForkOptions, 'allowInFlight'> {
  /** Milliseconds after which it gives up. Default: never. */
  deadline?: number;
  /** Gives up when this is aborted. */
  signal?: AbortSignal;
}

const MAX_MILLISECONDS = 2 ** 31 - 1;
/** The first turns of the loop are looked at one by one: most requests take no longer. */
const QUICK_TURNS = 50;

/** Until the loop has turned once more. Later also a moment for others: whoever waits long need not be kept busy. */
function turn(count: number): Promise<void> {
  return count < QUICK_TURNS ? setImmediate() : setTimeout(1);
}

const OPTIONS = [
  'deadline',
  'signal',
  'inspectPort',
] as const satisfies readonly (keyof ForkWhenIdleOptions)[];

function checkOptions(options: ForkWhenIdleOptions): void {
  knownOptions('options', options, OPTIONS);
  const { deadline, signal } = options;
  if (deadline !== undefined) integer('options.deadline', deadline, 0, MAX_MILLISECONDS);
  if (signal !== undefined && !(signal instanceof AbortSignal)) {
    throw invalidType('options.signal', 'an AbortSignal', signal);
  }
}

/**
 * Forks as soon as no request is in flight, for callers that cannot know when that is: request handlers, tests. Looks
 * at every turn of the event loop, which goes on meanwhile.
 *
 * Resolves twice: in the parent to the child's pid, in the child to 0. What is awaited after it comes in both.
 *
 * On an error there is no child.
 * @throws Error `ERR_PREFORK_BUSY` if something was in flight at each look until the deadline: it names what is now
 * @throws the signal's `reason`, by default an `AbortError`, when it is aborted
 * @throws whatever `fork()` throws
 */
export async function forkWhenIdle(options: ForkWhenIdleOptions = {}): Promise<number> {
  if (typeof options !== 'object' || options === null) throw invalidType('options', 'an object', options);
  checkOptions(options);
  const { deadline = Number.POSITIVE_INFINITY, signal, ...forkOptions } = options;
  const end = performance.now() + deadline;
  for (let turns = 0; ; turns++) {
    signal?.throwIfAborted();
    if (requestsInFlight() === 0 || performance.now() >= end)
      return fork({ ...forkOptions, allowInFlight: false });
    await turn(turns);
  }
}
