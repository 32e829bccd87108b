/** A worker, or the child that would become one, killed from outside: that is no crash. */
import type { WorkerExit } from '../settings';
import type { Decision } from './decision';
import type { Slot, Worker } from './state';
import { describeExit } from './words';

/** It is restarted at once, but not more often than this. */
const KILLED_SPACING = 100;

export function wasKilled(decision: Decision, worker: Worker, exit: WorkerExit): void {
  const slot = decision.slot(worker.id);
  const answer = slot === undefined ? '' : ': restarting it';
  decision.logWorker('warning', 'worker_killed', worker, `${describeExit(exit)}, from outside${answer}`);
  if (slot === undefined) return;
  decision.change(slot, {
    restarts: slot.restarts + 1,
    notBefore: Math.max(decision.now, worker.startedAt + KILLED_SPACING),
  });
}

export function forkWasKilled(decision: Decision, slot: Slot): void {
  decision.change(slot, { forking: false, notBefore: decision.now + KILLED_SPACING });
}

/** Somebody did this to the worker; no code of it is to blame. */
export function isFromOutside({ signal }: WorkerExit): boolean {
  return signal === 'SIGKILL' || signal === 'SIGTERM' || signal === 'SIGINT' || signal === 'SIGHUP';
}
