/** The manager regularly checks its workers: does each still turn its loop, has one served or grown enough? */
import type { Reading } from './events';
import { recycle } from './replacement';
import type { Rules, Worker } from './state';
import type { Turn } from './turn';
import { seconds } from './words';

/** Time for a blocked worker to report its stack. */
export const REPORT_TIME = 1000;
/** The longest interval between checks. */
const CHECK_INTERVAL = 1000;
/** Below this, a worker that is only busy, or waits for a processor, would look hung. */
export const MIN_HANG_TIMEOUT = 100;

export function beginChecks(turn: Turn): void {
  turn.set({ checkedAt: turn.now, awakeSince: turn.now });
}

/** Notices when manager and workers were suspended or frozen: the workers, too, need time to wake. */
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
      `has blocked its event loop for ${seconds(stoodStill)}: logging its stack, then killing it`,
    );
    turn.actions.push({ type: 'report stack', pid: worker.pid });
    turn.update(worker, { phase: 'doomed', deadline: turn.now + REPORT_TIME });
  } else if (worker.outdated) {
    return;
  } else if (worker.maxRequests !== null && requests >= worker.maxRequests) {
    recycle(turn, worker, `has served ${requests} requests`);
  } else if (rules.maxMemory !== null && privateMemory > rules.maxMemory) {
    recycle(turn, worker, `has ${Math.round(privateMemory / 2 ** 20)} MiB of private memory`);
  }
}

export function checksHealth({ hangTimeout, maxRequests, maxMemory }: Rules): boolean {
  return hangTimeout > 0 || maxRequests !== null || maxMemory !== null;
}

/** How often workers must show that they are alive. */
export function checkInterval({ hangTimeout }: Pick<Rules, 'hangTimeout'>): number {
  return hangTimeout === 0 ? CHECK_INTERVAL : Math.max(20, Math.min(CHECK_INTERVAL, hangTimeout / 4));
}
