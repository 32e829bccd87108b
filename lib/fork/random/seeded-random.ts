/** Numbers in [0, 1) with 53 random bits, from 128 bits of the kernel's. */
import { binding } from '../../base/binding';

export function randomSeed(): Int32Array {
  const seed = new Int32Array(4);
  binding.random_fill(seed);
  return seed;
}

/**
 * The generator is xoshiro128+ by Blackman and Vigna (https://prng.di.unimi.it), of the family that V8 uses.
 */
export function makeRandom(a: number, b: number, c: number, d: number): () => number {
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

export function seededRandom(): () => number {
  const [a, b, c, d] = randomSeed() as unknown as [number, number, number, number];
  return makeRandom(a, b, c, d);
}

/** Whether `setRandom` can do its work: not if the program has frozen it (Object.freeze, --frozen-intrinsics, SES). */
export function canSetRandom(math: Math): boolean {
  const property = Object.getOwnPropertyDescriptor(math, 'random');
  return property === undefined || property.writable === true || property.configurable === true;
}

/** Gives a context's `Math` a generator with a seed of its own; leaves alone what is no object, or frozen. */
export function setRandom(math: unknown): void {
  if (typeof math === 'object' && math !== null) {
    Reflect.defineProperty(math, 'random', { value: seededRandom() });
  }
}
