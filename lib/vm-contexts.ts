/**
 * `Math.random` of the contexts of `node:vm`. Each has a generator of its own: those that exist at a fork go on alike in
 * parent and child, and those made later are seeded from the isolate's generator, which is the same in both, too.
 */
import { syncBuiltinESMExports } from 'node:module';
import { getHeapStatistics } from 'node:v8';

import vm = require('node:vm');

import { type Ask, withSession } from './inspector-session';
import { makeRandom, randomSeed, setRandom } from './seeded-random';

interface ExecutionContext {
  id: number;
}

/**
 * Nothing of this context may be handed over to another one, so the generator goes as source, and its seed as numbers.
 */
function reseedContext(ask: Ask, contextId: number): void {
  const math = ask<{ result: { objectId?: string } }>('Runtime.evaluate', { expression: 'Math', contextId });
  const { objectId } = math.result;
  if (objectId === undefined) return; // its global object has something else of that name
  ask('Runtime.callFunctionOn', {
    objectId,
    functionDeclaration: `function (...seed) { this.random = (${makeRandom.toString()})(...seed); }`,
    arguments: Array.from(randomSeed(), (value) => ({ value })),
  });
}

/** Those that exist. Node keeps no list, but tells the inspector of each. */
function reseedExisting(): void {
  withSession((ask, session) => {
    const contexts: ExecutionContext[] = [];
    session.on('Runtime.executionContextCreated', ({ params }) => contexts.push(params.context));
    ask('Runtime.enable');
    for (const { id } of contexts) reseedContext(ask, id);
    ask('Runtime.disable');
  });
}

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

/** A sandbox may be a proxy or have a getter that throws: its own affair, and none of `createContext`'s callers. */
function reseedNew(context: vm.Context, runInContext: typeof vm.runInContext): void {
  try {
    setRandom(runInContext('Math', context));
  } catch {
    // It has no `Math` that anything could be drawn from.
  }
}

let watching = false;
let othersExist = true;
let inChild = false;

/**
 * Those that will be made in a child, by whoever does not hold on to the functions of before the first fork.
 * Called in the parent, since to make the change known to ES modules takes a millisecond.
 */
function watchContexts(): void {
  if (watching) return;
  watching = true;
  const { createContext, runInContext } = vm;
  vm.createContext = (...parameters) => {
    const context = createContext(...parameters);
    if (inChild) reseedNew(context, runInContext);
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

/** In the parent, before each fork. */
export function prepareContexts(): void {
  watchContexts();
  othersExist = getHeapStatistics().number_of_native_contexts > 1;
}

/** In the child. */
export function reseedContexts(): void {
  inChild = true;
  watchContexts();
  try {
    if (othersExist) reseedExisting();
  } catch {
    // A build of Node without inspector: docs/fork-safety.md says what is left to do.
  }
}
