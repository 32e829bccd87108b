/** Every slot is to have a worker. */
import { hasFailed } from './boot-failures';
import type { Decision } from './decision';
import type { Slot, State, Worker } from './state';
import { stop } from './stop-and-kill';
import { forkAsked } from './templates';
import { plural } from './words';

export function fillSlots(decision: Decision): void {
  if (decision.state.phase !== 'running' || hasFailed(decision.state) || !canFork(decision.state)) return;
  for (const slot of decision.state.slots) {
    if (slot.forking || slot.notBefore > decision.now || incumbent(decision.state, slot.id) !== undefined)
      continue;
    fork(decision, slot);
  }
}

export function fork(decision: Decision, slot: Slot, generation = decision.state.generation): void {
  const { id, restarts } = slot;
  decision.change(slot, { forking: true });
  forkAsked(decision, generation);
  decision.actions.push({ type: 'fork', id, generation, restarts });
}

export function announce(decision: Decision): void {
  const { announced, workers } = decision.state;
  const wanted = staying(decision.state).length;
  if (announced || wanted === 0 || workers.filter(({ phase }) => phase === 'ready').length < wanted) return;
  decision.set({ announced: true });
  decision.log('info', 'workers_ready', `${plural(wanted, 'worker')} ready`);
}

export function removeSlot(decision: Decision, { id }: Slot): void {
  decision.set({ slots: decision.state.slots.filter((slot) => slot.id !== id) });
  decision.actions.push({ type: 'close queue', id });
  for (const worker of decision.state.workers) {
    if (worker.id === id && worker.phase !== 'stopping' && worker.phase !== 'doomed') stop(decision, worker);
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

/** Whether the generation that serves can have more workers, and another program does not just take over. */
export function canFork({ templates, generation, succession }: State): boolean {
  if (succession !== null && succession.phase !== 'trying') return false;
  return templates.some((each) => each.generation === generation && each.phase === 'loaded');
}
