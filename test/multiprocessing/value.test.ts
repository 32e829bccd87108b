/** Value and SharedArray: numbers of C's types, which a child changes for all. */
import { Lock, Process, RLock, SharedArray, type Typecode, Value } from 'prefork/multiprocessing';
import { expect, test } from 'vitest';

async function inProcess(work: () => unknown): Promise<void> {
  const child = new Process(work);
  await child.start();
  await child.join();
  expect(child.exitcode).toBe(0);
}

const LONGEST = 2n ** 63n;

/** The least and the greatest of each, and what is nearest to a third. */
const KINDS: [code: Typecode, least: number | bigint, greatest: number | bigint, third?: number][] = [
  ['b', -(2 ** 7), 2 ** 7 - 1],
  ['B', 0, 2 ** 8 - 1],
  ['h', -(2 ** 15), 2 ** 15 - 1],
  ['H', 0, 2 ** 16 - 1],
  ['i', -(2 ** 31), 2 ** 31 - 1],
  ['I', 0, 2 ** 32 - 1],
  ['l', -LONGEST, LONGEST - 1n],
  ['q', -LONGEST, LONGEST - 1n],
  ['L', 0n, 2n * LONGEST - 1n],
  ['Q', 0n, 2n * LONGEST - 1n],
  ['f', -Math.fround(3.4e38), Math.fround(3.4e38), Math.fround(1 / 3)],
  ['d', -Number.MAX_VALUE, Number.MAX_VALUE, 1 / 3],
];

test.each(KINDS)('%s holds all from %s to %s, for every process.', async (code, least, greatest, third) => {
  const value = new Value(code, least as never);
  const array = new SharedArray(code, [least, greatest] as never[]);
  expect([value.value, ...array]).toEqual([least, least, greatest]);
  await inProcess(() => {
    value.value = greatest as never;
    array.getObj().reverse();
    if (third !== undefined) array.getObj()[1] = 1 / 3;
  });
  expect([value.value, ...array]).toEqual([greatest, greatest, third ?? least]);
});

test('An array is as long as it is said to be, and 0 at first.', async () => {
  const array = new SharedArray('d', 10_000);
  expect(array).toHaveLength(10_000);
  await inProcess(() => {
    array.getObj()[9_999] = 7.5;
  });
  expect([array.getObj()[0], array.getObj()[9_998], array.getObj()[9_999]]).toEqual([0, 0, 7.5]);
});

test('Its lock is the one that was given, or an RLock of its own.', () => {
  const lock = new Lock();
  expect([new Value('i', 0, { lock }).getLock(), new SharedArray('i', 1, { lock }).getLock()]).toEqual([
    lock,
    lock,
  ]);
  const [one, other] = [new Value('i').getLock(), new SharedArray('i', 1).getLock()];
  expect(one).toBeInstanceOf(RLock);
  expect(other).toBeInstanceOf(RLock);
  expect(one).not.toBe(other);
});
