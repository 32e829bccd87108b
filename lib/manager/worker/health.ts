/** A worker's heart: at each beat it shows in the scoreboard that its loop turns, how late, and what it needs. */
import { getHeapStatistics } from 'node:v8';
import { clearInterval, monotonic, setInterval } from '../../base/timers';
import { checkInterval, type Rules } from '../policy';
import { isWatched, type Row, WATCHED_INTERVAL } from '../scoreboard';

/** Walking all page tables takes the kernel some milliseconds, of a thread beside the loop. */
const MEMORY_INTERVAL = 5000;

/** Beats until the process ends, and keeps nothing alive. `duties`: what else is to be done now and then. */
export function startBeating(row: Row, rules: Rules, duties: (() => void)[]): void {
  const beat = heartOf(row, rules, [...duties, beatingOftenWhileWatched(row)]);
  row.set('beat', monotonic());
  setInterval(beat, checkInterval(rules)).unref();
}

/** Nothing but the beat is done more often. */
function beatingOftenWhileWatched(row: Row): () => void {
  let beating: NodeJS.Timeout | undefined;
  return () => {
    if (isWatched() === (beating !== undefined)) return;
    if (beating === undefined) {
      beating = setInterval(() => row.set('beat', monotonic()), WATCHED_INTERVAL).unref();
    } else {
      clearInterval(beating);
      beating = undefined;
    }
  };
}

/** What is done at each beat; the first one is an interval from now. */
export function heartOf(row: Row, rules: Rules, duties: (() => void)[]): () => void {
  const interval = checkInterval(rules);
  const memoryInterval = Math.max(interval, rules.maxMemory === null ? MEMORY_INTERVAL : 1000);
  let expected = monotonic() + interval;
  let measuredAt = Number.NEGATIVE_INFINITY;
  return () => {
    const now = monotonic();
    row.set('loopDelay', Math.max(0, now - expected));
    expected = now + interval;
    row.set('beat', now);
    attempt(() => measureHeap(row));
    if (now - measuredAt >= memoryInterval) {
      measuredAt = now;
      row.measurePrivateMemory();
    }
    for (const duty of duties) attempt(duty);
  };
}

/** What fails at one beat may succeed at the next. A worker does not end because somebody cannot see how it is. */
function attempt(duty: () => void): void {
  try {
    duty();
  } catch {
    // No descriptor or memory is left, or the application has put something else in the place of what is called.
  }
}

/** Not by process.memoryUsage(), which opens a file. */
function measureHeap(row: Row): void {
  row.set('heapUsed', getHeapStatistics().used_heap_size);
}
