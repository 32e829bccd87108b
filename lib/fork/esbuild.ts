/**
 * esbuild, which compiles for tsx, Vite and many others. It is a process of its own, behind pipes; for calls that block, behind
 * a worker thread as well. If parent and child both asked it, each would get answers that are the other's: so a child
 * leaves it to the parent, and has one of its own started when it first needs one.
 */

/** What is asked of it here; it is there since 0.19.9. */
export interface Esbuild {
  stop?: unknown;
}

function isEsbuild(path: string): boolean {
  return path.endsWith('/esbuild/lib/main.js') || path.endsWith('/esbuild-wasm/lib/main.js');
}

/** Whether what is going on was asked for by esbuild. */
export function isEsbuildCalling(): boolean {
  const frames = new Error().stack?.split('\n') ?? [];
  return frames.some((frame) => /\/esbuild(-wasm)?\/lib\/main\.js:/.test(frame));
}

/** Each copy of it that has been loaded, by import or require(). */
function loaded(): Esbuild[] {
  const modules = require.cache;
  return Object.keys(modules)
    .filter(isEsbuild)
    .map((path) => (modules[path]?.exports ?? {}) as Esbuild); // a stub may be nothing
}

/** What was begun later is on the lists of threads and processes. A child has the answer of its parent, which is its own, too. */
let wasThereBefore: boolean | undefined;

/** In the parent. With many modules it takes a while to look, and without a thread or a process there is nothing to find. */
export function runningEsbuilds(mayRun: boolean): Esbuild[] {
  wasThereBefore ??= loaded().length > 0;
  return mayRun || wasThereBefore ? loaded() : [];
}

/** In the child. It is not ended for the parent: the child has no handle on that process any more. */
export function leaveEsbuilds(esbuilds: readonly Esbuild[]): void {
  for (const esbuild of esbuilds) if (typeof esbuild.stop === 'function') esbuild.stop();
}
