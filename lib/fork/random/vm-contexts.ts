/**
 * `Math.random` of the contexts of `node:vm`. Each has a generator of its own: those that exist at a fork go on alike in
 * parent and child, and those made later are seeded from the isolate's generator, which is the same in both, too.
 *
 * Nobody keeps a list of them but V8's inspector, and what it lists may have been collected already: to evaluate
 * something in such a context ends the process. So they are noted as they are made, from when the package is loaded.
 */
import { syncBuiltinESMExports } from 'node:module';
import { setRandom } from './seeded-random';

import vm = require('node:vm');

/** The functions as Node has them. */
const { createContext, runInContext } = vm;

/** What `runInNewContext` calls the options of `createContext` (lib/vm.js, getContextOptions). */
function contextOptions(options: vm.RunningScriptInNewContextOptions): vm.CreateContextOptions {
  const { contextName, contextOrigin, contextCodeGeneration, microtaskMode } = options;
  return {
    ...(contextName !== undefined && { name: contextName }),
    ...(contextOrigin !== undefined && { origin: contextOrigin }),
    ...(contextCodeGeneration !== undefined && { codeGeneration: contextCodeGeneration }),
    ...(microtaskMode !== undefined && { microtaskMode }),
  };
}

/** A sandbox may be a proxy or have a getter that throws: its own affair, and none of its maker's. */
function reseed(context: vm.Context): void {
  try {
    setRandom(runInContext('Math', context));
  } catch {
    // It has no `Math` that anything could be drawn from.
  }
}

/** A fork copies the contexts, and with them the list. */
const contexts = new Map<symbol, WeakRef<vm.Context>>();
const collected = new FinalizationRegistry<symbol>((key) => contexts.delete(key));

function note(context: vm.Context): void {
  const key = Symbol();
  contexts.set(key, new WeakRef(context));
  collected.register(context, key);
}

/** The children of a child inherit it, rightly: contexts made in any of them start alike. */
let inChild = false;

function noteOrReseed(context: vm.Context): void {
  note(context);
  if (inChild) reseed(context);
}

/**
 * Called when the package is loaded: from now on all new contexts are noted, except those made through references to Node's
 * functions kept from before.
 */
export function watchContexts(): void {
  vm.createContext = (...parameters) => {
    const context = createContext(...parameters);
    noteOrReseed(context);
    return context;
  };
  vm.Script.prototype.runInNewContext = function (this: vm.Script, object, options = {}) {
    return this.runInContext(vm.createContext(object, contextOptions(options)), options);
  };
  vm.runInNewContext = (code, object, options = {}) => {
    const all = typeof options === 'string' ? { filename: options } : options;
    return new vm.Script(code, all).runInNewContext(object, all);
  };
  syncBuiltinESMExports();
}

/** In the child. A context that is still referred to here cannot be collected before this turn ends. */
export function reseedContexts(): void {
  inChild = true;
  for (const reference of contexts.values()) {
    const context = reference.deref();
    if (context !== undefined) reseed(context);
  }
}
