/**
 * Random numbers that a forked child must not share with its parent and siblings.
 *
 * `crypto.randomBytes` and `getRandomValues` need nothing: OpenSSL notices the new pid and reseeds
 * (crypto/rand, `openssl_get_fork_id`).
 */
import { findCryptoCaches, renewCryptoCaches } from './crypto-caches';
import { seededRandom } from './seeded-random';
import { prepareContexts, reseedContexts } from './vm-contexts';

/** In the parent, before each fork: what needs to be done only once should not be left to every child. */
export function prepareReseeding(): void {
  findCryptoCaches();
  prepareContexts();
}

/**
 * In the child. V8 seeds the generator of a context once and offers no way to do it again, so the child gets another
 * `Math.random`. One that a module has put aside before the fork goes on as it was.
 */
export function reseedRandom(): void {
  renewCryptoCaches();
  Math.random = seededRandom();
  reseedContexts();
}
