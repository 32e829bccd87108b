import { getHeapCodeStatistics } from 'node:v8';
import { runInNewContext, Script } from 'node:vm';
import { boolean, object } from '../base/arguments';
import { binding } from '../base/binding';
import { type Flag, hasFlag, isGiven, setFlag, V8_VERSION } from '../base/v8-flags';
import { rehearseServing } from './rehearse-listening';

type CollectGarbage = (options?: object) => void;

/** A child has a copy, of a context of its own. */
let gc: CollectGarbage | undefined;

/** V8 gives `gc` to contexts that are made while the flag is set. Undefined where there is no such flag. */
function garbageCollector(): CollectGarbage | undefined {
  if (gc !== undefined || !hasFlag('expose-gc')) return gc;
  setFlag('expose-gc', true);
  gc = runInNewContext('gc') as CollectGarbage;
  if (!isGiven('expose-gc')) setFlag('expose-gc', false);
  return gc;
}

/** Sets a flag of V8 for as long as `work` takes. */
function withFlag<Value extends boolean | number>(
  flag: Flag,
  during: Value,
  after: Value,
  work: () => void,
): void {
  setFlag(flag, during);
  try {
    work();
  } finally {
    setFlag(flag, after);
  }
}

/**
 * Two full collections or more: what survives the first is in old space, the next leaves no garbage of it. They also give
 * back what is empty, and make the young generation as small as it was first.
 */
function collectThoroughly(): void {
  const collect = garbageCollector();
  if (collect === undefined) return;
  if (V8_VERSION > 11) collect({ type: 'major', execution: 'sync', flavor: 'last-resort' });
  else collectThoroughlyOnNode20(collect);
}

/**
 * V8 11 (Node 20) has no such argument. A collection that began incrementally under the first flag does the same
 * (Heap::GCFlagsForIncrementalMarking), under the second it begins with the next large object of old space, like the
 * constants of a script; `gc()` ends it before its own.
 */
function collectThoroughlyOnNode20(collect: CollectGarbage): void {
  collect(); // none that has begun earlier goes on
  if (isGiven('optimize-for-size') || isGiven('stress-incremental-marking')) return;
  withFlag('optimize-for-size', true, false, () => {
    withFlag('stress-incremental-marking', true, false, () => {
      new Script(`[${'0.5,'.repeat(40_000)}] // ${process.hrtime.bigint()}`);
    });
    collect();
  });
}

/**
 * Sweeping goes on after a collection, in other threads or when memory is needed, and writes to every page: done after
 * the fork, each process would do it for itself. Whoever walks over the heap waits for it, as this function does.
 */
function finishSweeping(): void {
  getHeapCodeStatistics();
}

/** Bytecode that has not run for some collections is dropped; each child would compile it again, for itself. */
function keepingBytecode(work: () => void): void {
  if (isGiven('flush-bytecode')) work();
  else withFlag('flush-bytecode', false, true, work);
}

/**
 * V8 13 (Node 24) goes on after the fork with what it had in mind when the program was loaded: a full collection in each
 * child, once it has been idle for 8 s (MemoryReducer). This lets none of them begin, for good.
 */
function collectNoIdleChildren(): void {
  if (V8_VERSION === 13 && !isGiven('memory-reducer')) setFlag('memory-reducer-gc-count', 0);
}

/** The young generation grows by this factor when much of it survives. */
function withYoungGenerationFixed(forGood: boolean, work: () => void): void {
  if (isGiven('semi-space-growth-factor')) work();
  else withFlag('semi-space-growth-factor', 1, forGood ? 1 : 2, work);
}

/** What more `warmup()` may do. */
export interface WarmupOptions {
  /**
   * Keep the young generation as small as it is at the start of a process: 1 MB in use and as much in reserve, which
   * are private to each process, instead of up to 32 or 64. For servers that keep little between two collections it
   * costs nothing; where megabytes are in flight, collecting takes several times the processor time. Holds for this
   * process and those that it forks. Default: false.
   */
  smallYoungGeneration?: boolean;
}

export function checkWarmupOptions(options: WarmupOptions): void {
  const { smallYoungGeneration = false } = object('options', options);
  boolean('options.smallYoungGeneration', smallYoungGeneration);
}

/**
 * Puts the memory of this process in the state in which forked children share most of it for longest: call it when the
 * program is loaded, before the first fork.
 *
 * Collects all garbage, so that what is alive lies together in old space, where a child's own collections leave it
 * alone: young objects would be moved by the first of them, and so be copied in every child. Makes the young generation
 * small, which every process has for itself; ends what collecting leaves to be done later, as that writes to every page;
 * and keeps compiled code, to which it adds what a worker begins with: a server on sockets that were bound before. Then gives the free memory of malloc back to the system. Blocks for as long as two full
 * collections take, three on Node 20: some 0.5 s for 400 MB.
 *
 * Flags of V8 that are given to `node` or in NODE_OPTIONS are left as they are; those that this V8 does not have are left
 * out.
 *
 * Source: Ruby's `Process.warmup`.
 *
 * @throws TypeError (code `ERR_PREFORK_INVALID_ARG_TYPE`) when an option is of another type
 */
export function warmup(options: WarmupOptions = {}): void {
  checkWarmupOptions(options);
  rehearseServing();
  withYoungGenerationFixed(options.smallYoungGeneration ?? false, () => {
    keepingBytecode(() => {
      collectThoroughly();
      finishSweeping();
    });
  });
  collectNoIdleChildren();
  binding.process_trim_memory();
}
