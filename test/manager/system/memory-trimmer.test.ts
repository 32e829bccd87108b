import { expect, test } from 'vitest';
import { memoryTrimmer } from '../../../lib/manager/system/memory-trimmer';

/** The seconds at which a worker that beats each second for so many minutes gives memory back, which takes so long. */
function trims(milliseconds: number, minutes: number): number[] {
  let now = 1000;
  const at: number[] = [];
  const trim = () => {
    at.push((now - 1000) / 1000);
    now += milliseconds;
  };
  const trimNowAndThen = memoryTrimmer(trim, () => now);
  for (let second = 1; second <= minutes * 60; second++) {
    now = 1000 + second * 1000;
    trimNowAndThen();
  }
  return at;
}

test('A worker gives the free memory of malloc back after ten seconds, and then every minute.', () => {
  expect(trims(0.5, 5)).toEqual([10, 70, 130, 190, 250]);
});

test('But only every hour when that takes so long that requests have to wait.', () => {
  expect(trims(6, 125)).toEqual([10, 3610, 7210]);
});
