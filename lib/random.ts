/**
 * Random numbers that a forked child must not share with its parent and siblings.
 *
 * `crypto.randomBytes` and `getRandomValues` need nothing: OpenSSL notices the new pid and reseeds
 * (crypto/rand, `openssl_get_fork_id`).
 */
import { binding } from './binding';
import { renewCryptoCaches } from './crypto-caches';

/**
 * Numbers in [0, 1) with 53 random bits, from 128 bits of the kernel's.
 * The generator is xoshiro128+ by Blackman and Vigna (https://prng.di.unimi.it), of V8's own family.
 */
export function seededRandom(): () => number {
  const seed = new Int32Array(4);
  binding.random_fill(seed);
  let [a, b, c, d] = seed as unknown as [number, number, number, number];
  const next = (): number => {
    const result = (a + d) | 0;
    const shifted = b << 9;
    c ^= a;
    d ^= b;
    b ^= c;
    a ^= d;
    c ^= shifted;
    d = (d << 11) | (d >>> 21);
    return result;
  };
  return function random(): number {
    return ((next() >>> 5) * 2 ** 26 + (next() >>> 6)) / 2 ** 53;
  };
}

/**
 * V8 seeds the generator of a context once and offers no way to do it again, so the child gets another `Math.random`.
 * One that a module has put aside before the fork goes on as it was; so do those of other `vm` contexts.
 */
export function reseedRandom(): void {
  renewCryptoCaches();
  Math.random = seededRandom();
}
