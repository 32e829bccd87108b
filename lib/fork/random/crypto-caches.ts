/**
 * The random bytes that node:crypto has drawn in advance: 1,024 numbers for `randomInt`, 128 ids for `randomUUID`
 * (lib/internal/crypto/random.js). After a fork, parent and child would both hand them out.
 *
 * They are variables of Node's own module, which nothing exports; but a debugger sees the variables that a function
 * closes over, and so does an inspector session of our own. Where there is no inspector the caches are emptied by
 * drawing as much as they can hold, which takes milliseconds in each child instead of microseconds.
 *
 * As long as nobody has loaded that module nothing is drawn, and it is left alone: loading it, and the look, cost a program that
 * has no use for it 6 milliseconds.
 */
import { binding } from '../../base/binding';
import { hasNodeLoaded } from '../../base/loaded-builtins';
import { closureVariables } from './closure-variables';

/** The variables' names in all versions from Node 20 to 26. */
const NAMES = ['randomCache', 'uuidData'] as const;

const UUIDS_CACHED = 128;
const INTEGERS_CACHED = 1024;
const POWER_OF_TWO = 2 ** 47; // a range for which randomInt never draws twice

function nodeCrypto(): typeof import('node:crypto') {
  return require('node:crypto');
}

/** Both caches; undefined where they cannot be had. */
function findCaches(): Uint8Array[] | undefined {
  const { randomInt, randomUUID } = nodeCrypto();
  randomUUID(); // the cache of ids is made at the first
  try {
    const found = closureVariables([randomInt, randomUUID], NAMES);
    const [integers, ids] = NAMES.map((name) => found.get(name) as Uint8Array | undefined);
    return integers === undefined || ids === undefined ? undefined : [integers, ids];
  } catch {
    return undefined; // no inspector in this build, or another Node than we know: they are drained
  }
}

/** Node's own arrays, which a fork copies with all memory: what is known of them holds in a child. */
let caches: Uint8Array[] | undefined;
let searched = false;

/** For who has to know them before there is anything in them. None where they cannot be had. */
export function cryptoCachesInAnyCase(): Uint8Array[] {
  if (!searched) caches = findCaches();
  searched = true;
  return caches ?? [];
}

/**
 * Searched for once, in the parent and not in every child. None where they cannot be had; undefined where nothing can have been
 * drawn yet.
 */
export function cryptoCaches(): Uint8Array[] | undefined {
  return searched || hasNodeLoaded('internal/crypto/random') ? cryptoCachesInAnyCase() : undefined;
}

function drain(): void {
  const { randomInt, randomUUID } = nodeCrypto();
  for (let i = 0; i < UUIDS_CACHED; i++) randomUUID();
  for (let i = 0; i < INTEGERS_CACHED; i++) randomInt(POWER_OF_TWO);
}

/** In the child: what was drawn in advance is replaced by bits of the kernel's. */
export function renewCryptoCaches(known: Uint8Array[] | undefined): void {
  if (known === undefined) return;
  if (known.length === 0) drain();
  else for (const cache of known) binding.random_fill(cache);
}
