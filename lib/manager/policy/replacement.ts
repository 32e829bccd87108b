/** Workers that are outdated, all of them or one, are replaced: each when a new one is ready beside it. */
import { canFork, fork, staying } from './slots';
import type { Slot, State, Worker } from './state';
import type { Turn } from './turn';

export function recycle(turn: Turn, worker: Worker, why: string): void {
  turn.logWorker('info', 'worker_recycled', worker, `${why}: replacing it`);
  turn.update(worker, { outdated: true });
}

export function replaceOne(turn: Turn): void {
  if (turn.state.phase !== 'running' || isReplacing(turn.state) || !canFork(turn.state)) return;
  const slot = outdatedSlot(turn.state);
  if (slot !== undefined && slot.notBefore <= turn.now) fork(turn, slot);
}

export function noticeRolled(turn: Turn): void {
  const { rolling, phase, generation, workers, candidate } = turn.state;
  if (!rolling || phase !== 'running' || candidate !== null) return;
  const isNew = (id: number) =>
    workers.some(
      (worker) => worker.id === id && worker.phase === 'ready' && worker.generation === generation,
    );
  if (!staying(turn.state).every(({ id }) => isNew(id))) return;
  turn.set({ rolling: false });
  turn.log('info', 'replaced_all', `Every worker has been replaced (generation ${generation})`);
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
