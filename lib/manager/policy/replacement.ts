/** Workers that are outdated, all of them or one, are replaced: each when a new one is ready beside it. */

import type { Decision } from './decision';
import { canFork, fork, staying } from './slots';
import type { Slot, State, Worker } from './state';

export function recycle(decision: Decision, worker: Worker, why: string): void {
  decision.logWorker('info', 'worker_recycled', worker, `${why}: replacing it`);
  decision.update(worker, { outdated: true });
}

export function replaceOne(decision: Decision): void {
  if (decision.state.phase !== 'running' || isReplacing(decision.state) || !canFork(decision.state)) return;
  const slot = outdatedSlot(decision.state);
  if (slot !== undefined && slot.notBefore <= decision.now) fork(decision, slot);
}

export function noticeRolled(decision: Decision): void {
  const { rolling, phase, generation, workers, candidate } = decision.state;
  if (!rolling || phase !== 'running' || candidate !== null) return;
  const isNew = (id: number) =>
    workers.some(
      (worker) => worker.id === id && worker.phase === 'ready' && worker.generation === generation,
    );
  if (!staying(decision.state).every(({ id }) => isNew(id))) return;
  decision.set({ rolling: false });
  decision.actions.push({ type: 'reloaded', generation });
  decision.log('info', 'replaced_all', `Every worker has been replaced (generation ${generation})`);
}

/** One at a time: a worker boots beside the one that it will replace. */
export function isReplacing({ workers, slots }: State): boolean {
  return (
    slots.some(({ id, forking }) => forking && workers.some((worker) => worker.id === id)) ||
    workers.some(
      ({ id, phase, pid }) =>
        phase === 'booting' &&
        workers.some((other) => other.id === id && other.phase === 'ready' && other.pid !== pid),
    )
  );
}

export function outdatedSlot(state: State): Slot | undefined {
  return state.slots
    .filter(({ id }) => state.workers.some((worker) => worker.id === id && isOutdated(state, worker)))
    .sort((one, other) => one.notBefore - other.notBefore)[0];
}

function isOutdated({ generation }: State, worker: Worker): boolean {
  return worker.phase === 'ready' && (worker.outdated || worker.generation < generation);
}
