/**
 * Random numbers that a forked child must not share with its parent and siblings.
 *
 * `crypto.randomBytes` and `getRandomValues` need nothing: OpenSSL notices the new pid and reseeds
 * (crypto/rand, `openssl_get_fork_id`).
 */

import { binding } from '../../base/binding';
import { cryptoCaches, renewCryptoCaches } from './crypto-caches';
import { canRenewMathRandom, renewMathRandom } from './math-random';
import { canSetRandom, setRandom } from './seeded-random';

/** Whether V8's generator must be replaced because it cannot be renewed: in a V8 that is built in another way. */
const replaces = !canRenewMathRandom();
const contexts = replaces ? (require('./vm-contexts') as typeof import('./vm-contexts')) : undefined;
contexts?.watchContexts();

/** Once for a whole family of processes: the warning comes before the first fork. */
let warned = false;

function warnIfFrozen(): void {
  if (!replaces || warned || canSetRandom(Math)) return;
  warned = true;
  process.emitWarning('Math is frozen, so that Math.random() gives the same numbers in parent and child', {
    code: 'PREFORK_FROZEN_MATH',
  });
}

/** The child gets another `Math.random`. One that a module has put aside before the fork goes on as it was. */
function replaceMathRandom(): void {
  setRandom(Math);
  contexts?.reseedContexts();
}

/** What hands out random numbers. */
export interface RandomSources {
  /** None where they cannot be had; undefined where there is nothing in them yet. */
  cryptoCaches: Uint8Array[] | undefined;
  renewMath: () => number;
}

/** In the parent, before each fork. */
export function randomSources(): RandomSources {
  warnIfFrozen();
  return { cryptoCaches: cryptoCaches(), renewMath: binding.random_renew };
}

/** For a rehearsal (lib/fork/rehearse-fork.ts): nothing is renewed. */
export function standInSources(): RandomSources {
  return Object.assign(randomSources(), { cryptoCaches: [new Uint8Array(1)], renewMath: () => -1 });
}

/** In the child. */
export function reseedRandom({ cryptoCaches, renewMath }: RandomSources): void {
  renewCryptoCaches(cryptoCaches);
  if (!renewMathRandom(renewMath)) replaceMathRandom();
}
