/** Whoever takes the place of a process that has ended is not taken for that one, at no moment. */
import { forkSync } from 'prefork';
import { expect, test } from 'vitest';
import { binding } from '../../dist/base/binding.js';
import { family, isAlive, ring, self } from '../../dist/multiprocessing/members.js';

const placeOf = (identity: number) => identity % 1024;

test('One that has ended is not alive when its place has a new bell, though its identity is not replaced yet.', () => {
  family();
  self();
  const ended = forkSync(() => self().identity).value as number;
  const { value, error } = forkSync(() => {
    const seen: boolean[] = [];
    const { socket_bind_unix: bind } = binding;
    binding.socket_bind_unix = (...parameters) => {
      const result = bind(...parameters);
      seen.push(isAlive(ended), ring(ended));
      return result;
    };
    return { place: placeOf(self().identity), seen };
  });
  expect({ value, error }).toEqual({
    value: { place: placeOf(ended), seen: [false, false] },
    error: undefined,
  });
});
