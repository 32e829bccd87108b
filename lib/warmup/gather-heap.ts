import { binding, whyNoAddon } from '../base/binding';

/** What `gatherHeap()` has done. */
export interface GatheredHeap {
  /** Whether the heap grows in one place from now on. */
  gathered: boolean;
  /** Why not, in a few words. */
  reason?: string;
}

/**
 * From now on V8's heap grows in one range of addresses, instead of 256 KB at a time wherever chance has it: a fork has
 * fewer page tables to copy, and `warmup()` can put the heap on huge pages. Call it first of all, before the program is
 * loaded: what V8 has already stays where it is. It holds for worker threads, too, and in children. The process manager
 * calls it (`--gather-heap`).
 *
 * The range begins at a random address, one of some 2^28. Within it addresses can be guessed from one another, which
 * they could not before (docs/security.md).
 *
 * Where it cannot be done everything is as before, and the answer says why: with musl, or where another library has taken
 * the place of mmap(2). Called again, also in another thread or a child, it does nothing and answers the same.
 */
export function gatherHeap(): GatheredHeap {
  const reason = whyNoAddon ?? binding.heap_gather();
  return reason === undefined ? { gathered: true } : { gathered: false, reason };
}
