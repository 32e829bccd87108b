/**
 * What malloc keeps of freed memory is private to each process. V8's compiler works in four threads, each with an arena of
 * its own (malloc(3)). When it has optimised what a server does most, 5 to 8 MB of free memory stay there; in a manager that
 * has restarted workers 2,000 times, 4 MB, and with the pieces between what is in use they become more.
 */
import { binding } from '../../base/binding';
import { monotonic } from '../../base/timers';

/** Milliseconds. By then most of what will be optimised is. */
const FIRST_AFTER = 10_000;
const INTERVAL = 60_000;
const INTERVAL_IF_SLOW = 60 * INTERVAL;

/** It takes a fraction of a millisecond, but more where native code has left many pieces. */
const LONGEST = 5;

/** To be called now and then; gives free memory back to the system when it is time. */
export function memoryTrimmer(trim = binding.process_trim_memory, now = monotonic): () => void {
  let next = now() + FIRST_AFTER;
  return () => {
    const begin = now();
    if (begin < next) return;
    trim();
    const wasQuick = now() - begin <= LONGEST;
    next = begin + (wasQuick ? INTERVAL : INTERVAL_IF_SLOW);
  };
}
