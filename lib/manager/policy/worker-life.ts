/** The life of a worker: it is forked, becomes ready, and ends, by its own fault or another's. */
import type { WorkerExit, WorkerInfo } from '../settings';
import { failedToBoot } from './boot-failures';
import { crashed, delayAfterCrash } from './crashes';
import type { Event } from './events';
import { failedAsCanary, prove } from './generations';
import { forkWasKilled, isFromOutside, wasKilled } from './killed-from-outside';
import { removeSlot } from './slots';
import type { Rules, Worker } from './state';
import { kill, stop } from './stop-and-kill';
import type { Turn } from './turn';
import { describeExit } from './words';

export function forked(turn: Turn, born: WorkerInfo, chance: number): void {
  const slot = turn.slot(born.id);
  if (slot !== undefined) turn.change(slot, { forking: false });
  const { rules, phase, atOnce } = turn.state;
  const worker: Worker = {
    ...born,
    phase: 'booting',
    startedAt: turn.now,
    readyAt: null,
    deadline: turn.now + rules.bootTimeout,
    maxRequests: jittered(rules, chance),
    outdated: false,
  };
  turn.set({ workers: [...turn.state.workers, worker] });
  const { generation, candidate } = turn.state;
  const isRefused = born.generation > generation && born.generation !== candidate?.generation;
  if (atOnce || isRefused) kill(turn, worker);
  else if (phase !== 'running' || slot === undefined) stop(turn, worker);
}

export function forkFailed(turn: Turn, event: Event & { type: 'fork failed' }): void {
  const { id, reason, killed } = event;
  const slot = turn.slot(id);
  if (slot !== undefined) turn.change(slot, { forking: false });
  if (failedAsCanary(turn, event, `worker ${id} of it could not be started: ${reason}`)) return;
  if (killed && turn.state.everReady && slot !== undefined) {
    forkWasKilled(turn, slot);
    return;
  }
  const what = `could not be forked: ${reason}`;
  if (!turn.state.looping) turn.log('error', 'fork_failed', `Worker ${id} ${what}`, { worker: id });
  if (slot === undefined) return;
  failedToBoot(turn, `worker ${id} ${what}`);
  if (slot.leaving) removeSlot(turn, slot);
  delayAfterCrash(turn, id, `worker ${id} ${what}`);
}

export function ready(turn: Turn, pid: number): void {
  const worker = turn.worker(pid);
  if (worker?.phase !== 'booting') return;
  turn.update(worker, { phase: 'ready', readyAt: turn.now, deadline: null });
  turn.set({ everReady: true });
  prove(turn, worker);
  turn.actions.push({ type: 'worker ready', worker: info(worker) });
  for (const other of turn.state.workers) {
    if (other.id === worker.id && other.pid !== pid && other.phase === 'ready') stop(turn, other);
  }
  const slot = turn.slot(worker.id);
  if (slot?.leaving) removeSlot(turn, slot);
}

export function exited(turn: Turn, pid: number, exit: WorkerExit, wasTold: boolean): void {
  const worker = turn.worker(pid);
  if (worker === undefined) return;
  turn.set({ workers: turn.state.workers.filter((other) => other !== worker) });
  turn.actions.push({ type: 'worker exit', worker: info(worker), exit });
  if (turn.state.phase !== 'running' || worker.phase === 'stopping') return;
  if (failedAsCanary(turn, worker, `worker ${worker.id} of it ${endOf(worker, exit)} before it was ready`))
    return;
  const slot = turn.slot(worker.id);
  // It has had its chance.
  if (slot?.leaving && worker.phase !== 'doomed') removeSlot(turn, slot);
  // One that dies while it boots is to blame, unless others have shown that it need not.
  const isUnblamed = worker.phase === 'ready' || (worker.phase === 'booting' && turn.state.everReady);
  if (isUnblamed && (wasTold || isFromOutside(exit))) wasKilled(turn, worker, exit);
  else crashed(turn, worker, exit);
}

/** Whom the manager has killed has taken too long. */
function endOf({ phase }: Worker, exit: WorkerExit): string {
  return phase === 'doomed' ? 'had to be killed' : describeExit(exit);
}

function info({ id, pid, generation, restarts }: Worker): WorkerInfo {
  return { id, pid, generation, restarts };
}

function jittered({ maxRequests, maxRequestsJitter }: Rules, chance: number): number | null {
  return maxRequests === null ? null : maxRequests + Math.floor(maxRequests * maxRequestsJitter * chance);
}
