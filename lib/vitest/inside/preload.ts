/** Packages that are evaluated once, in a template, and not by each file. */
import type { ModuleRunner } from 'vite/module-runner' with { 'resolution-mode': 'import' };
import { openedBy } from '../../testing/opened';

/** Modules that vitest has transformed are evaluated anew for each file: they were evaluated in vain, or twice. */
function isTransformed({ evaluatedModules }: ModuleRunner): boolean {
  return [...evaluatedModules.idToModuleMap.values()].some(
    ({ meta }) => meta !== undefined && 'code' in meta,
  );
}

/** In a template that is given up if there is a reason against it: it has been evaluated by then. Says which. */
export async function preload(name: string, runner: ModuleRunner | undefined): Promise<string | undefined> {
  if (runner === undefined) throw new Error('vitest has not begun');
  try {
    const opened = await openedBy(() => runner.import(name));
    if (isTransformed(runner))
      return 'vitest transforms it, or something that it imports (server.deps.inline)';
    return opened.length === 0 ? undefined : `it opens ${opened.join(', ')}`;
  } catch (error) {
    return String(error);
  }
}
