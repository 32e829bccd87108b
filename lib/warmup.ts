import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { binding } from './binding';

type CollectGarbage = (options?: object) => void;

/** Also gives back what is empty. V8 11 (Node 20) takes any argument for a wish to collect the young objects only. */
const THOROUGHLY =
  Number.parseInt(process.versions.v8, 10) > 11
    ? [{ type: 'major', execution: 'sync', flavor: 'last-resort' }]
    : [];

let collect: CollectGarbage | undefined;

/** V8 gives `gc` to contexts that are made while the flag is set. */
function garbageCollector(): CollectGarbage {
  if (collect !== undefined) return collect;
  setFlagsFromString('--expose-gc');
  collect = runInNewContext('gc') as CollectGarbage;
  setFlagsFromString('--no-expose-gc');
  return collect;
}

/** What survives the first two is in old space; the last leaves no garbage of theirs. */
const COLLECTIONS = 3;

/**
 * Puts the memory of this process in the state in which forked children share most of it for longest: call it when the
 * program is loaded, before the first fork.
 *
 * Collects all garbage, so that what is alive lies together in old space, where a child's own collections leave it
 * alone: young objects would be moved by the first of them, and so be copied in every child. Then gives the free memory
 * of malloc back to the system. Blocks for as long as three full collections take, some 0.5 s for 400 MB.
 *
 * Source: Ruby's `Process.warmup`.
 */
export function warmup(): void {
  const gc = garbageCollector();
  for (let i = 0; i < COLLECTIONS; i++) gc(...THOROUGHLY);
  binding.process_trim_memory();
}
