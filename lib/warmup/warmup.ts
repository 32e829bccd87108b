import { boolean, object } from '../base/arguments';
import { knownOptions } from '../base/option-names';
import { arrangeMemory } from './arrange-memory';
import { rehearseListening } from './rehearse-listening';

/** Options of `warmup()`. */
export interface WarmupOptions {
  /**
   * Keep the young generation at its initial size: 1 MB in use and 1 MB in reserve, private to each process, instead of
   * up to 32 or 64. This costs nothing for servers that keep little between two collections. With megabytes in flight,
   * garbage collection takes several times the processor time. Applies to this process and those that it forks.
   * Default: false.
   */
  smallYoungGeneration?: boolean;
  /**
   * Move a heap that `gatherHeap()` keeps together onto huge pages, where the kernel has some free (Linux 6.1): a fork
   * copies one entry for 2 MB instead of 512. Takes 1 to 3 ms for each MB, at most about 5 s. Default: true.
   */
  hugePages?: boolean;
}

export function checkWarmupOptions(options: WarmupOptions): void {
  knownOptions('options', object('options', options), ['smallYoungGeneration', 'hugePages']);
  const { smallYoungGeneration = false, hugePages = true } = options;
  boolean('options.smallYoungGeneration', smallYoungGeneration);
  boolean('options.hugePages', hugePages);
}

/**
 * Arranges the memory of this process so that forked children share as much of it as possible for as long as possible.
 * Call it once the program is loaded, before the first fork.
 *
 * It collects all garbage, so that live objects lie together in old space, where a child's collections leave them alone;
 * young objects would be moved by the first one, and thus copied in every child. It shrinks the young generation, of
 * which every process has its own; finishes sweeping, which writes to every page; keeps compiled code, and compiles what
 * every worker begins with, a server on sockets bound before. Then it returns malloc's free memory to the system; what is
 * free between pieces in use it takes for good, the first time, so that children get memory where all that is new lies
 * together, and do not copy the pages around. (glibc; a call in a worker thread leaves that out.)
 *
 * Blocks for two full collections, three on Node 20: about 0.5 s for 400 MB. Leaves alone V8 flags given to `node` or in
 * NODE_OPTIONS, and skips flags that this V8 lacks.
 *
 * Source: Ruby's `Process.warmup`.
 *
 * @throws TypeError (code `ERR_PREFORK_INVALID_ARG_TYPE`) if an option has another type
 */
export function warmup(options: WarmupOptions = {}): void {
  checkWarmupOptions(options);
  const { smallYoungGeneration = false, hugePages = true } = options;
  rehearseListening();
  arrangeMemory({ smallYoungGeneration, hugePages });
}
