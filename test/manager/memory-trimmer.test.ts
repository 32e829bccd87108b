import { expect, test } from 'vitest';
import { memoryTrimmer } from '../../lib/manager/memory-trimmer';

/** The seconds at which a worker that beats each second for five minutes gives memory back, which takes so long. */
function trims(milliseconds: number): number[] {
  let now = 1000;
  const at: number[] = [];
  const trim = () => {
    at.push((now - 1000) / 1000);
    now += milliseconds;
  };
  const trimNowAndThen = memoryTrimmer(trim, () => now);
  for (let second = 1; second <= 300; second++) {
    now = 1000 + second * 1000;
    trimNowAndThen();
  }
  return at;
}

test('A worker gives the free memory of malloc back after ten seconds, and then every minute.', () => {
  expect(trims(0.5)).toEqual([10, 70, 130, 190, 250]);
});

test('But no more when that took so long that requests had to wait.', () => {
  expect(trims(6)).toEqual([10]);
});
