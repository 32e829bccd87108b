/** What map() returns, and of what items. */
import { setTimeout } from 'node:timers/promises';
import { isDeepStrictEqual } from 'node:util';
import { describe, expect, test } from 'vitest';
import { numbers, pool } from './pools';

describe('map()', () => {
  test.each([
    [0, undefined],
    [1, undefined],
    [7, undefined],
    [100, undefined],
    [100, 1],
    [100, 7],
    [100, 1000],
  ])(
    'gives what the function returns for %i items, in their order (chunkSize %s).',
    async (count, chunkSize) => {
      const values = await pool().map(
        numbers(count),
        (n, i) => n * i,
        chunkSize === undefined ? {} : { chunkSize },
      );
      expect(values).toEqual(numbers(count).map((n) => n * n));
    },
  );

  test('takes more chunks than a pipe can hold.', async () => {
    const values = await pool().map(numbers(40_000), (n) => n + 1, { chunkSize: 1 });
    expect(values).toEqual(numbers(40_000).map((n) => n + 1));
  });

  test('sees memory, waits for promises, and takes any iterable.', async () => {
    const table = new Map(numbers(10).map((n) => [n, `value ${n}`]));
    const values = await pool().map(table.keys(), async (key) => {
      await setTimeout(1);
      return table.get(key);
    });
    expect(values).toEqual([...table.values()]);
  });

  test('finds what is in memory at the call, and nothing of it is copied.', async () => {
    const items = [() => 'a function', new WeakMap(), Symbol('nobody can copy this')];
    expect(await pool().map(items, (item) => typeof item)).toEqual(['function', 'object', 'symbol']);
  });

  test('gives large buffers, alone and in objects, of any kind and any length.', async () => {
    const size = 3 * 2 ** 20 + 1;
    const kinds = [
      (n: number) => Buffer.alloc(size, n),
      (n: number) => new Uint8Array(size).fill(n),
      (n: number) => new Float64Array(2 ** 18).fill(n),
      () => new DataView(new ArrayBuffer(size), 3),
      (n: number) => new Uint8Array(size).fill(n).buffer,
      (n: number) => ({ a: new Uint8Array(size).fill(n).buffer, b: [Buffer.alloc(size, n + 1)] }),
      (n: number) => Buffer.alloc(2 ** 20 - 1, n),
    ];
    const values = await pool().map(numbers(4 * kinds.length), (n) => kinds[n % kinds.length]?.(n));
    const expected = numbers(4 * kinds.length).map((n) => kinds[n % kinds.length]?.(n));
    expect(isDeepStrictEqual(values, expected)).toBe(true);
    const [, bytes] = values as [unknown, Uint8Array];
    bytes.fill(7); // it is the caller's own
    expect(bytes.every((byte) => byte === 7)).toBe(true);
  });
});
