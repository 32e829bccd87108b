/** Packages that are evaluated once, in a template, and not by each file. */
import type { ModuleRunner } from 'vite/module-runner' with { 'resolution-mode': 'import' };
import { nextTurn } from '../../base/timers';

/** What keeps the event loop alive: timers, sockets, child processes; how many of each kind. */
function openThings(): Map<string, number> {
  const counts = new Map<string, number>();
  for (const kind of process.getActiveResourcesInfo()) counts.set(kind, (counts.get(kind) ?? 0) + 1);
  return counts;
}

/** Modules that vitest has transformed are evaluated anew for each file: they were evaluated in vain, or twice. */
function isTransformed({ evaluatedModules }: ModuleRunner): boolean {
  return [...evaluatedModules.idToModuleMap.values()].some(
    ({ meta }) => meta !== undefined && 'code' in meta,
  );
}

/** In a template that is given up if there is a reason against it: it has been evaluated by then. Says which. */
export async function preload(name: string, runner: ModuleRunner | undefined): Promise<string | undefined> {
  if (runner === undefined) throw new Error('vitest has not begun');
  const before = openThings();
  try {
    await runner.import(name);
  } catch (error) {
    return String(error);
  }
  if (isTransformed(runner)) return 'vitest transforms it, or something that it imports (server.deps.inline)';
  await nextTurn();
  const opened = [...openThings()].filter(([kind, count]) => count > (before.get(kind) ?? 0));
  return opened.length === 0 ? undefined : `it opens ${opened.map(([kind]) => kind).join(', ')}`;
}
