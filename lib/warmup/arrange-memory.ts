import { getHeapCodeStatistics } from 'node:v8';
import { runInNewContext, Script } from 'node:vm';
import { isMainThread } from 'node:worker_threads';
import { binding } from '../base/binding';
import { runsFor } from '../base/timers';
import { type Flag, hasFlag, isGiven, setFlag, V8_VERSION } from '../base/v8-flags';

type CollectGarbage = (options?: object) => void;

/** A child has a copy, of a context of its own. */
let gc: CollectGarbage | undefined;

/** V8 gives `gc` to contexts made while the flag is set. Undefined if this V8 lacks the flag. */
function garbageCollector(): CollectGarbage | undefined {
  if (gc !== undefined || !hasFlag('expose-gc')) return gc;
  setFlag('expose-gc', true);
  gc = runInNewContext('gc') as CollectGarbage;
  if (!isGiven('expose-gc')) setFlag('expose-gc', false);
  return gc;
}

/** Sets a V8 flag while `work` runs. */
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
 * At least two full collections: survivors of the first move to old space, the second removes garbage from there. They also
 * release empty pages and shrink the young generation to its initial size.
 */
function collectThoroughly(): void {
  const collect = garbageCollector();
  if (collect === undefined) return;
  if (V8_VERSION > 11) collect({ type: 'major', execution: 'sync', flavor: 'last-resort' });
  else collectThoroughlyOnNode20(collect);
}

/**
 * V8 11 (Node 20) lacks that argument. A collection begun incrementally under the first flag does the same
 * (Heap::GCFlagsForIncrementalMarking). Under the second flag it begins with the next large object in old space, such as
 * the constants of a script; `gc()` finishes it before its own.
 */
function collectThoroughlyOnNode20(collect: CollectGarbage): void {
  collect(); // ends one begun earlier
  if (isGiven('optimize-for-size') || isGiven('stress-incremental-marking')) return;
  withFlag('optimize-for-size', true, false, () => {
    withFlag('stress-incremental-marking', true, false, () => {
      new Script(`[${'0.5,'.repeat(40_000)}] // ${process.hrtime.bigint()}`);
    });
    collect();
  });
}

/**
 * After a collection V8 sweeps in other threads, or when it needs memory, and writes to every page. After the fork each
 * process would do so for itself. Reading these statistics walks over the heap, which waits for the sweeper.
 */
function finishSweeping(): void {
  getHeapCodeStatistics();
}

/** V8 drops bytecode that has not run for some collections; every child would have to compile it again. */
function keepingBytecode(work: () => void): void {
  if (isGiven('flush-bytecode')) work();
  else withFlag('flush-bytecode', false, true, work);
}

/** Milliseconds from the start until V8 may begin a collection because nothing else is to be done (MemoryReducer::kLongDelayMs). */
const FIRST_IDLE_COLLECTION = 8000;

/** A child has it as its parent has. */
let collectsIdle = true;

/**
 * V8 13 (Node 24) plans a full collection while the program loads, and after the fork each child would run it once idle for
 * 8 s (MemoryReducer). This keeps any from beginning, in this process and its children. Later it is not done: each thread's
 * heap counts the collections that it has begun so, and V8 ends a process that has begun more than it may.
 */
export function preventIdleCollections(): void {
  if (V8_VERSION !== 13 || isGiven('memory-reducer') || runsFor() >= FIRST_IDLE_COLLECTION) return;
  setFlag('memory-reducer-gc-count', 0);
  collectsIdle = false;
}

/** V8's own number of them: it may be raised at any time. For a process that shares no memory with those it was forked with. */
export function allowIdleCollections(): void {
  if (collectsIdle) return;
  setFlag('memory-reducer-gc-count', 2);
  collectsIdle = true;
}

/** The young generation grows by this factor if much of it survives. */
function withYoungGenerationFixed(forGood: boolean, work: () => void): void {
  if (isGiven('semi-space-growth-factor')) work();
  else withFlag('semi-space-growth-factor', 1, forGood ? 1 : 2, work);
}

/** Milliseconds: enough for some 2 GB on a machine that is slow at it. */
const HUGE_PAGES_PATIENCE = 5000;

/** What is done with it. */
export interface Arrangement {
  smallYoungGeneration: boolean;
  hugePages: boolean;
}

/** The memory of this process in the state in which children share it longest. See `warmup()`. */
export function arrangeMemory({ smallYoungGeneration, hugePages }: Arrangement): void {
  withYoungGenerationFixed(smallYoungGeneration, () => {
    keepingBytecode(() => {
      collectThoroughly();
      finishSweeping();
    });
  });
  preventIdleCollections();
  if (isMainThread) binding.process_take_free_memory();
  else binding.process_trim_memory();
  if (hugePages) binding.heap_to_huge_pages(HUGE_PAGES_PATIENCE);
}
