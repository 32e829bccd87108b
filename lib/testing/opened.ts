/** What a module opens while it is evaluated in a template: every process that is forked from it would have a copy. */
import { nextTurn } from '../base/timers';

/** What keeps the event loop alive: timers, sockets, child processes; how many of each kind. */
function openThings(): Map<string, number> {
  const counts = new Map<string, number>();
  for (const kind of process.getActiveResourcesInfo()) counts.set(kind, (counts.get(kind) ?? 0) + 1);
  return counts;
}

/** Resolves to the kinds of what is still open a turn of the event loop later, and was not open before. */
export async function openedBy(evaluate: () => Promise<unknown>): Promise<string[]> {
  const before = openThings();
  await evaluate();
  await nextTurn();
  return [...openThings()].filter(([kind, count]) => count > (before.get(kind) ?? 0)).map(([kind]) => kind);
}
