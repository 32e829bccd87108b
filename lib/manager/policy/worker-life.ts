/** The life of a worker: it is forked, becomes ready, and ends, by its own fault or another's. */
import type { WorkerExit, WorkerInfo } from '../settings';
import type { Loss } from './actions';
import { failedToBoot } from './boot-failures';
import { crashed, delayAfterCrash } from './crashes';
import type { Decision } from './decision';
import type { Event } from './events';
import { failedAsCanary, prove } from './generations';
import { forkWasKilled, isFromOutside, wasKilled } from './killed-from-outside';
import { removeSlot } from './slots';
import type { Rules, Worker } from './state';
import { kill, stop } from './stop-and-kill';
import { forkAnswered, templateOf } from './templates';
import { describeExit, seconds } from './words';

export function forked(decision: Decision, born: WorkerInfo, chance: number): void {
  forkAnswered(decision, born.generation);
  const slot = decision.slot(born.id);
  if (slot !== undefined) decision.change(slot, { forking: false });
  const { rules, phase, atOnce } = decision.state;
  const worker: Worker = {
    ...born,
    phase: 'booting',
    startedAt: decision.now,
    readyAt: null,
    deadline: decision.now + rules.bootTimeout,
    maxRequests: jittered(rules, chance),
    outdated: false,
    lacks: null,
  };
  decision.set({ workers: [...decision.state.workers, worker] });
  // In a crash loop that is known.
  if (!decision.state.looping) decision.logWorker('info', 'worker_started', worker, 'started');
  const { generation, candidate } = decision.state;
  const isRefused = born.generation > generation && born.generation !== candidate?.generation;
  if (atOnce || isRefused) kill(decision, worker);
  else if (phase !== 'running' || slot === undefined) stop(decision, worker);
}

export function forkFailed(decision: Decision, event: Event & { type: 'fork failed' }): void {
  const { id, generation, reason, killed } = event;
  forkAnswered(decision, generation);
  const slot = decision.slot(id);
  if (slot !== undefined) decision.change(slot, { forking: false });
  if (failedAsCanary(decision, event, `worker ${id} of it could not be started: ${reason}`)) return;
  // What became of its template has been dealt with.
  const isOrphan = templateOf(decision.state, generation) === undefined;
  if (killed && (decision.state.everReady || isOrphan) && slot !== undefined) {
    forkWasKilled(decision, slot);
    return;
  }
  const what = `could not be forked: ${reason}`;
  if (!decision.state.looping) decision.log('error', 'fork_failed', `Worker ${id} ${what}`, { worker: id });
  if (slot === undefined) return;
  failedToBoot(decision, `worker ${id} ${what}`);
  if (slot.leaving) removeSlot(decision, slot);
  delayAfterCrash(decision, id, `worker ${id} ${what}`);
}

/** What it replaces serves until it listens wherever that does, or has had time enough for it. */
export function ready(decision: Decision, pid: number, lacks: readonly string[]): void {
  const worker = decision.worker(pid);
  if (worker?.phase !== 'booting') return;
  decision.update(worker, { lacks });
  if (lacks.length === 0) beginsToServe(decision, worker);
  else if (worker.lacks === null) {
    const left = seconds((worker.deadline ?? decision.now) - decision.now);
    const what = `is ready, but the worker that it replaces also listens on ${lacks.join(', ')}: waiting for that, for up to ${left}`;
    decision.logWorker('info', 'address_awaited', worker, what);
  }
}

/** Workers that were ready in time: the addresses that they lack have been dropped. */
export function endWaiting(decision: Decision): void {
  for (const worker of decision.state.workers) {
    const { phase, lacks, deadline } = worker;
    if (phase !== 'booting' || lacks === null || deadline === null || deadline > decision.now) continue;
    decision.logWorker('warning', 'address_given_up', worker, `serves without ${lacks.join(', ')}`);
    beginsToServe(decision, worker);
  }
}

function beginsToServe(decision: Decision, worker: Worker): void {
  const { pid } = worker;
  decision.update(worker, { phase: 'ready', readyAt: decision.now, deadline: null });
  decision.set({ everReady: true });
  prove(decision, worker);
  decision.actions.push({ type: 'worker ready', worker: info(worker) });
  for (const other of decision.state.workers) {
    if (other.id === worker.id && other.pid !== pid && other.phase === 'ready') stop(decision, other);
  }
  const slot = decision.slot(worker.id);
  if (slot?.leaving) removeSlot(decision, slot);
}

export function exited(decision: Decision, pid: number, exit: WorkerExit, wasTold: boolean): void {
  const worker = decision.worker(pid);
  if (worker === undefined) return;
  decision.set({ workers: decision.state.workers.filter((other) => other !== worker) });
  decision.actions.push({ type: 'worker exit', worker: info(worker), exit });
  if (decision.state.phase !== 'running' || worker.phase === 'stopping') return;
  if (
    failedAsCanary(decision, worker, `worker ${worker.id} of it ${endOf(worker, exit)} before it was ready`)
  )
    return;
  decision.actions.push({ type: 'lost', id: worker.id, why: lossOf(worker, exit, wasTold) });
  const slot = decision.slot(worker.id);
  // It has had its chance.
  if (slot?.leaving && worker.phase !== 'doomed') removeSlot(decision, slot);
  // One that dies while it boots is to blame, unless others have shown that it need not.
  const isUnblamed = worker.phase === 'ready' || (worker.phase === 'booting' && decision.state.everReady);
  if (isUnblamed && (wasTold || isFromOutside(exit))) wasKilled(decision, worker, exit);
  else crashed(decision, worker, exit);
}

function lossOf({ phase, readyAt }: Worker, exit: WorkerExit, wasTold: boolean): Loss {
  if (phase === 'doomed') return readyAt === null ? 'boot timeout' : 'hang';
  if (exit.outOfMemory) return 'out of memory';
  return wasTold || isFromOutside(exit) ? 'killed' : 'crash';
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
