/** Every slot is to have a worker. */
import { hasFailed } from './boot-failures';
import type { Slot, State, Worker } from './state';
import { stop } from './stop-and-kill';
import type { Turn } from './turn';
import { plural } from './words';

export function fillSlots(turn: Turn): void {
  if (turn.state.phase !== 'running' || hasFailed(turn.state) || !canFork(turn.state)) return;
  for (const slot of turn.state.slots) {
    if (slot.forking || slot.notBefore > turn.now || incumbent(turn.state, slot.id) !== undefined) continue;
    fork(turn, slot);
  }
}

export function fork(turn: Turn, slot: Slot, generation = turn.state.generation): void {
  const { id, restarts } = slot;
  turn.change(slot, { forking: true });
  turn.actions.push({ type: 'fork', id, generation, restarts });
}

export function announce(turn: Turn): void {
  const { announced, workers } = turn.state;
  const wanted = staying(turn.state).length;
  if (announced || wanted === 0 || workers.filter(({ phase }) => phase === 'ready').length < wanted) return;
  turn.set({ announced: true });
  turn.log('info', 'workers_ready', `${plural(wanted, 'worker')} ready`);
}

export function removeSlot(turn: Turn, { id }: Slot): void {
  turn.set({ slots: turn.state.slots.filter((slot) => slot.id !== id) });
  turn.actions.push({ type: 'close queue', id });
  for (const worker of turn.state.workers) {
    if (worker.id === id && worker.phase !== 'stopping' && worker.phase !== 'doomed') stop(turn, worker);
  }
}

export function staying({ slots }: State): readonly Slot[] {
  return slots.filter(({ leaving }) => !leaving);
}

/** The worker that holds a slot: the one that is ready, or else the one that will be. */
export function incumbent(state: State, id: number): Worker | undefined {
  const own = state.workers.filter((worker) => worker.id === id);
  return (
    own.find(({ phase }) => phase === 'ready') ??
    own.find(({ phase }) => phase === 'booting') ??
    // Its place is free when it has gone.
    own.find(({ phase }) => phase === 'doomed')
  );
}

/** Whether the generation that serves can have more workers. */
export function canFork({ templates, generation }: State): boolean {
  return templates.some((each) => each.generation === generation && each.phase === 'loaded');
}
