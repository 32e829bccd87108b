/** When the next attendant may be forked. */
import { expect, test } from 'vitest';
import { AttendantRestarts } from '../../lib/manager/manager/attendant-restarts';

const RESTART = { burst: 2, window: 1_000, minDelay: 100, maxDelay: 300, limit: null };

test('One that ends soon is followed at once, then after growing delays, until one has lived long enough.', () => {
  const restarts = new AttendantRestarts();
  const delays = [10, 10, 10, 10, 10, 10, 2_000, 10].map((lived) => restarts.ended(5_000, lived, RESTART));
  expect(delays).toEqual([0, 0, 100, 200, 300, 300, 0, 0]);
});

test('One that could not be forked is never tried again at once.', () => {
  const restarts = new AttendantRestarts();
  const delays = [0, 0, 0, 0, 0].map(() => restarts.notForked(5_000, RESTART));
  expect(delays).toEqual([100, 100, 100, 200, 300]);
  expect(restarts.notBefore).toBe(5_300);
});
