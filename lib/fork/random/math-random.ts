/**
 * V8's own `Math.random` with another state: as fast as ever, in optimised code, in modules that have put it aside, in
 * every context of `node:vm`. V8 offers no way to do that; the state is looked for in memory (native/v8/math_random.h).
 */
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { binding } from '../../base/binding';
import { randomSeed } from './seeded-random';

const SURVEYS = 2;

/** Once in a process: whether the state can be found, beyond doubt. Costs two contexts, which are collected. */
export function canRenewMathRandom(): boolean {
  for (let survey = 0; survey < SURVEYS && !binding.random_is_known(); survey++) {
    binding.random_survey(runInNewContext('Math.random'), Function.prototype);
  }
  return binding.random_is_known();
}

function seedLaterContexts(): void {
  const seed = (randomSeed()[0] ?? 0) | 1; // 0 would be none
  setFlagsFromString(`--random-seed=${seed}`);
}

/**
 * In the child: every context of this thread, and those made later. Under `--random-seed` these start alike, as V8 has
 * it, but in each process with numbers of its own. Answers false if it could not be done. (V8 is told of a seed only
 * where it was started with one: setting a flag costs a child a tenth of the time from the fork to its first line.)
 */
export function renewMathRandom(renew: () => number): boolean {
  const renewed = renew();
  if (renewed === 2) seedLaterContexts();
  return renewed !== 0;
}
