/** How long the manager may sleep. */
import { hasFailed } from './boot-failures';
import { calmAt, provenAt } from './crashes';
import { checkInterval, checksHealth } from './health-checks';
import { isReplacing, outdatedSlot } from './replacement';
import { canFork, incumbent } from './slots';
import type { Slot, State } from './state';

/** When there is something to decide although nothing happens; null: never. */
export function nextDeadline(state: State): number | null {
  const { rules, workers, slots, phase } = state;
  if (phase === 'ended') return null;
  const times = workers.flatMap(({ deadline }) => deadline ?? []);
  times.push(...state.templates.flatMap(({ deadline }) => deadline ?? []));
  times.push(state.succession?.deadline ?? Number.POSITIVE_INFINITY);
  if (phase === 'running') {
    const isWaiting = (slot: Slot) => !slot.forking && incumbent(state, slot.id) === undefined;
    const waiting = hasFailed(state) || !canFork(state) ? [] : slots.filter(isWaiting);
    times.push(...waiting.map(({ notBefore }) => notBefore));
    const replacement = outdatedSlot(state);
    if (replacement !== undefined && !isReplacing(state) && canFork(state)) times.push(replacement.notBefore);
    if (checksHealth(rules)) times.push(state.checkedAt + checkInterval(rules));
    times.push(state.reloadAt ?? Number.POSITIVE_INFINITY);
    if (state.looping) times.push(calmAt(state));
    times.push(provenAt(state) ?? Number.POSITIVE_INFINITY);
  }
  const first = Math.min(...times);
  return first === Number.POSITIVE_INFINITY ? null : first;
}
