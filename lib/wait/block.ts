import { isMainThread } from 'node:worker_threads';
import { binding } from '../base/binding';
import { check } from '../base/errors';
import { runListenersOfArrived } from './signals';

// V8 can end a worker thread (worker.terminate(), or process.exit() in the main thread) only while it runs JavaScript: so
// that one wakes up now and then. The main thread sleeps until something happens.
const LONGEST_SLEEP = isMainThread ? Number.POSITIVE_INFINITY : 100;
const LONGEST_POLL = 0x7fffffff;

/** What else may end a sleep, beside signals and children. */
export interface Wakers {
  /** Milliseconds from now, asked before each sleep. */
  within?: () => number;
  /** A descriptor that can be read, or written. */
  fd?: number;
  forWriting?: boolean;
}

function sleepOnce({ within, fd = -1, forWriting = false }: Wakers): void {
  const longest = Math.min(LONGEST_SLEEP, within?.() ?? Number.POSITIVE_INFINITY);
  const milliseconds = longest === Number.POSITIVE_INFINITY ? -1 : Math.min(Math.ceil(longest), LONGEST_POLL);
  binding.wait_sleep(milliseconds, fd, forWriting);
}

/**
 * Blocks the thread and its event loop until `look` finds something, and runs signal listeners meanwhile. `look` is told
 * how many signals have had their listeners called so far. What a listener throws ends the wait.
 */
export function blockUntil<T>(
  syscall: string,
  look: (signals: number) => T | undefined,
  wakers: Wakers = {},
): T {
  check(binding.wait_begin(), syscall);
  let signals = 0;
  try {
    for (;;) {
      // Before the look: a loop of waits that never has to sleep would starve the listeners.
      signals += runListenersOfArrived();
      const found = look(signals);
      if (found !== undefined) return found;
      sleepOnce(wakers);
    }
  } finally {
    binding.wait_end();
  }
}
