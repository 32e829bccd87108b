/** A worker's heart: at each beat it shows in the scoreboard that its loop turns, how late, and what it needs. */
import { readFile } from 'node:fs';
import { memoryUsage } from 'node:process';
import { reopenLogFiles } from './log-files';
import { checkInterval, type Rules } from './policy';
import { monotonic, type Row, reopenCount } from './scoreboard';

/** Walking all page tables takes the kernel some milliseconds. */
const MEMORY_INTERVAL = 5000;

/** Beats until the process ends, and keeps nothing alive. */
export function startBeating(row: Row, rules: Rules, atEachBeat: () => void): void {
  const interval = checkInterval(rules);
  const memoryInterval = Math.max(interval, rules.maxMemory === null ? MEMORY_INTERVAL : 1000);
  let expected = monotonic() + interval;
  let measuredAt = Number.NEGATIVE_INFINITY;
  let reopened = reopenCount();
  const beat = () => {
    const now = monotonic();
    row.set('loopDelay', Math.max(0, now - expected));
    expected = now + interval;
    row.set('beat', now);
    row.set('heapUsed', memoryUsage().heapUsed);
    if (now - measuredAt >= memoryInterval) {
      measuredAt = now;
      measurePrivateMemory(row);
    }
    if (reopenCount() !== reopened) {
      reopened = reopenCount();
      reopenLogFiles();
      if (process.listenerCount('SIGUSR1') > 0) process.emit('SIGUSR1', 'SIGUSR1');
    }
    atEachBeat();
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
