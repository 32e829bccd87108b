import { outOfRange } from '../base/arguments';
import { binding } from '../base/binding';
import { check, invalidType } from '../base/errors';
import { blockUntil } from './block';
import { runListenersOfArrived } from './signals';

/** As many nanoseconds as Python counts. */
const LONGEST = 2 ** 63 / 1e9;

function duration(seconds: unknown): number {
  if (typeof seconds !== 'number') throw invalidType('seconds', 'a number', seconds);
  if (seconds >= 0 && seconds < LONGEST) return seconds;
  throw outOfRange(`Expected a number from 0 to ${Math.floor(LONGEST)} for seconds but received ${seconds}`);
}

/**
 * Sleeps. Blocks the thread and its event loop, but not signals: in the main thread their listeners run at once, and the
 * sleep goes on for what is left of it. What a listener throws ends the sleep.
 *
 * Source: Python's `time.sleep`.
 * @param seconds zero or more, fractions too; it never sleeps less
 * @throws TypeError `ERR_PREFORK_INVALID_ARG_TYPE`, RangeError `ERR_PREFORK_OUT_OF_RANGE` if negative, NaN, or
 *   more than 292 years
 */
export function sleep(seconds: number): void {
  const end = performance.now() + duration(seconds) * 1000;
  const left = () => end - performance.now();
  blockUntil('poll', () => (left() <= 0 ? true : undefined), { within: left });
}

/**
 * Sleeps until the listeners of a signal have run. A signal that has already arrived counts if the event loop has not
 * delivered it yet: none is lost between a look at a variable and the pause. A signal without a listener has its default
 * effect, and does not end the pause.
 *
 * Source: pause(2), Python's `signal.pause`.
 */
export function pause(): void {
  blockUntil('pause', (signals) => (signals > 0 ? true : undefined));
}

/** Calls the listeners of what has arrived, as Python does before the next line runs. */
export function runListenersNow(): void {
  check(binding.wait_begin(), 'sigaction');
  try {
    runListenersOfArrived();
  } finally {
    binding.wait_end();
  }
}
