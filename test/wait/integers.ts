import { expect, test } from 'vitest';

/** A call, given one of its integers, and numbers that are too small or too large for it. */
export type TakesInteger = [name: string, call: (value: never) => unknown, outOfRange: unknown[]];

/** Each of them must say what is wrong, in the same way. */
export function testIntegers(calls: TakesInteger[]): void {
  test.each(calls)(
    '%s refuses what is no integer, or out of range, with a permanent code.',
    (_, call, outOfRange) => {
      for (const value of [null, {}, true, 1n]) {
        expect(() => call(value as never)).toThrow(
          expect.objectContaining({ name: 'TypeError', code: 'ERR_PREFORK_INVALID_ARG_TYPE' }),
        );
      }
      for (const value of [0.5, Number.NaN, Number.POSITIVE_INFINITY, ...outOfRange]) {
        expect(() => call(value as never)).toThrow(
          expect.objectContaining({ name: 'RangeError', code: 'ERR_PREFORK_OUT_OF_RANGE' }),
        );
      }
    },
  );
}
