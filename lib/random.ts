/**
 * Random numbers that a forked child must not share with its parent and siblings.
 *
 * `crypto.randomBytes` and `getRandomValues` need nothing: OpenSSL notices the new pid and reseeds
 * (crypto/rand, `openssl_get_fork_id`).
 */
import { findCryptoCaches, renewCryptoCaches } from './crypto-caches';
import { canSetRandom, setRandom } from './seeded-random';
import { reseedContexts, watchContexts } from './vm-contexts';

watchContexts();

let warned = false;

function warnIfFrozen(): void {
  if (warned || canSetRandom(Math)) return;
  warned = true;
  process.emitWarning('Math is frozen, so that Math.random() gives the same numbers in parent and child', {
    code: 'PREFORK_FROZEN_MATH',
  });
}

/** In the parent, before each fork: what needs to be done only once should not be left to every child. */
export function prepareReseeding(): void {
  warnIfFrozen();
  findCryptoCaches();
}

/**
 * In the child. V8 seeds the generator of a context once and offers no way to do it again, so the child gets another
 * `Math.random`. One that a module has put aside before the fork goes on as it was.
 */
export function reseedRandom(): void {
  renewCryptoCaches();
  setRandom(Math);
  reseedContexts();
}
