/** The manager regularly checks its workers: does each still turn its loop, has one served or grown enough? */

import type { Decision } from './decision';
import type { Reading } from './events';
import { recycle } from './replacement';
import type { Rules, Worker } from './state';
import { seconds } from './words';

/** Time for a blocked worker to report its stack. */
export const REPORT_TIME = 1000;
/** The longest interval between checks. */
const CHECK_INTERVAL = 1000;
/** Below this, a worker that is only busy, or waits for a processor, would look hung. */
export const MIN_HANG_TIMEOUT = 100;

export function beginChecks(decision: Decision): void {
  decision.set({ checkedAt: decision.now, awakeSince: decision.now });
}

/** Notices when manager and workers were suspended or frozen: the workers, too, need time to wake. */
export function noticeSleep(decision: Decision): void {
  const { rules, checkedAt } = decision.state;
  const late = decision.now - (checkedAt + checkInterval(rules));
  decision.set({ checkedAt: decision.now });
  if (late > rules.hangTimeout / 2) decision.set({ awakeSince: decision.now });
}

export function examineAll(decision: Decision, readings: ReadonlyMap<number, Reading>): void {
  for (const worker of decision.state.workers) {
    const reading = readings.get(worker.pid);
    if (worker.phase === 'ready' && reading !== undefined) examine(decision, worker, reading);
  }
}

function examine(decision: Decision, worker: Worker, { beat, requests, privateMemory }: Reading): void {
  const { rules, awakeSince } = decision.state;
  const stoodStill = decision.now - Math.max(beat, awakeSince, worker.readyAt ?? 0);
  if (rules.hangTimeout > 0 && stoodStill > rules.hangTimeout) {
    decision.logWorker(
      'error',
      'worker_hung',
      worker,
      `has blocked its event loop for ${seconds(stoodStill)}: logging its stack, then killing it`,
    );
    decision.actions.push({ type: 'report stack', pid: worker.pid });
    decision.update(worker, { phase: 'doomed', deadline: decision.now + REPORT_TIME });
  } else if (worker.outdated) {
    return;
  } else if (worker.maxRequests !== null && requests >= worker.maxRequests) {
    recycle(decision, worker, `has served ${requests} requests`);
  } else if (rules.maxMemory !== null && privateMemory > rules.maxMemory) {
    recycle(decision, worker, `has ${Math.round(privateMemory / 2 ** 20)} MiB of private memory`);
  }
}

export function checksHealth({ hangTimeout, maxRequests, maxMemory }: Rules): boolean {
  return hangTimeout > 0 || maxRequests !== null || maxMemory !== null;
}

/** How often workers must show that they are alive. */
export function checkInterval({ hangTimeout }: Pick<Rules, 'hangTimeout'>): number {
  return hangTimeout === 0 ? CHECK_INTERVAL : Math.max(20, Math.min(CHECK_INTERVAL, hangTimeout / 4));
}
