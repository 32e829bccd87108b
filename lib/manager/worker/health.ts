/** A worker's heart: at each beat it shows in the scoreboard that its loop turns, how late, and what it needs. */
import { readFile } from 'node:fs';
import { getHeapStatistics } from 'node:v8';
import { checkInterval, type Rules } from '../policy';
import { monotonic, type Row } from '../scoreboard';

/** Walking all page tables takes the kernel some milliseconds. */
const MEMORY_INTERVAL = 5000;

/** Beats until the process ends, and keeps nothing alive. `duties`: what else is to be done now and then. */
export function startBeating(row: Row, rules: Rules, duties: (() => void)[]): void {
  const interval = checkInterval(rules);
  const memoryInterval = Math.max(interval, rules.maxMemory === null ? MEMORY_INTERVAL : 1000);
  let expected = monotonic() + interval;
  let measuredAt = Number.NEGATIVE_INFINITY;
  const beat = () => {
    const now = monotonic();
    row.set('loopDelay', Math.max(0, now - expected));
    expected = now + interval;
    row.set('beat', now);
    // Not process.memoryUsage(), which opens a file, and throws when no descriptor is left.
    row.set('heapUsed', getHeapStatistics().used_heap_size);
    if (now - measuredAt >= memoryInterval) {
      measuredAt = now;
      measurePrivateMemory(row);
    }
    for (const duty of duties) duty();
  };
  row.set('beat', monotonic());
  setInterval(beat, interval).unref();
}

/** In the thread pool: the loop has better things to do. */
function measurePrivateMemory(row: Row): void {
  readFile('/proc/self/smaps_rollup', 'latin1', (error, text) => {
    if (!error) row.set('privateMemory', privateBytes(text));
  });
}

function privateBytes(rollup: string): number {
  let kilobytes = 0;
  for (const [, size] of rollup.matchAll(/^Private_(?:Clean|Dirty): +(\d+) kB$/gm)) kilobytes += Number(size);
  return kilobytes * 1024;
}
