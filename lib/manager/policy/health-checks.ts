/** The parent looks at its workers now and then: does each still turn its loop, has one served or grown enough? */
import type { Reading } from './events';
import { recycle } from './replacement';
import type { Rules, Worker } from './state';
import type { Turn } from './turn';
import { seconds } from './words';

/** Time for a worker that stands still to say where. */
export const REPORT_TIME = 1000;
/** How often health is looked at, at least. */
const CHECK_INTERVAL = 1000;
/** With less, a worker that is only busy, or waits for a processor, would be taken for one that hangs. */
export const MIN_HANG_TIMEOUT = 100;

export function beginChecks(turn: Turn): void {
  turn.set({ checkedAt: turn.now, awakeSince: turn.now });
}

/** Suspended or frozen, together with its workers: they, too, have yet to wake. */
export function noticeSleep(turn: Turn): void {
  const { rules, checkedAt } = turn.state;
  const late = turn.now - (checkedAt + checkInterval(rules));
  turn.set({ checkedAt: turn.now });
  if (late > Math.max(CHECK_INTERVAL, rules.hangTimeout / 2)) turn.set({ awakeSince: turn.now });
}

export function examineAll(turn: Turn, readings: ReadonlyMap<number, Reading>): void {
  for (const worker of turn.state.workers) {
    const reading = readings.get(worker.pid);
    if (worker.phase === 'ready' && reading !== undefined) examine(turn, worker, reading);
  }
}

function examine(turn: Turn, worker: Worker, { beat, requests, privateMemory }: Reading): void {
  const { rules, awakeSince } = turn.state;
  const stoodStill = turn.now - Math.max(beat, awakeSince, worker.readyAt ?? 0);
  if (rules.hangTimeout > 0 && stoodStill > rules.hangTimeout) {
    turn.logWorker(
      'error',
      'worker_hung',
      worker,
      `has not turned its event loop for ${seconds(stoodStill)}: it is made to say where, then killed`,
    );
    turn.actions.push({ type: 'report stack', pid: worker.pid });
    turn.update(worker, { phase: 'doomed', deadline: turn.now + REPORT_TIME });
  } else if (worker.outdated) {
    return;
  } else if (worker.maxRequests !== null && requests >= worker.maxRequests) {
    recycle(turn, worker, `has served ${requests} requests`);
  } else if (rules.maxMemory !== null && privateMemory > rules.maxMemory) {
    recycle(turn, worker, `has ${Math.round(privateMemory / 2 ** 20)} MiB of its own`);
  }
}

export function checksHealth({ hangTimeout, maxRequests, maxMemory }: Rules): boolean {
  return hangTimeout > 0 || maxRequests !== null || maxMemory !== null;
}

/** How often workers have to show that they live. */
export function checkInterval({ hangTimeout }: Pick<Rules, 'hangTimeout'>): number {
  return hangTimeout === 0 ? CHECK_INTERVAL : Math.max(20, Math.min(CHECK_INTERVAL, hangTimeout / 4));
}
