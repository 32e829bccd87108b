/** Checks of arguments: each returns the value, or throws an error that names the argument. */
import { invalidType, preforkError } from './errors';

export type Given<T> = { [K in keyof T]: Exclude<T[K], null> };

/** The options given: `null`, Python's `None`, and `undefined` count as not given. */
export function given<T extends object>(name: string, options: T): Given<T> {
  const entries = Object.entries(object(name, options)).filter(
    ([, value]) => value !== null && value !== undefined,
  );
  return Object.fromEntries(entries) as Given<T>;
}

/** `value` if it is an object; a TypeError if not, also for `null`. */
export function object<T>(name: string, value: T): T & object {
  if (typeof value !== 'object' || value === null) throw invalidType(name, 'an object', value);
  return value;
}

/** `value` if it is true or false; a TypeError if not. */
export function boolean(name: string, value: unknown): boolean {
  if (typeof value !== 'boolean') throw invalidType(name, 'a boolean', value);
  return value;
}

/** `value` if it is a string; a TypeError if not. */
export function string(name: string, value: unknown): string {
  if (typeof value !== 'string') throw invalidType(name, 'a string', value);
  return value;
}

/** `value` if it can be called; a TypeError if not. */
export function callable<T>(name: string, value: T): T {
  if (typeof value !== 'function') throw invalidType(name, 'a function', value);
  return value;
}

/** Whether it is a promise, or something that can be waited for as one can. */
export function isThenable(value: unknown): value is PromiseLike<unknown> {
  return typeof (value as PromiseLike<unknown> | null | undefined)?.then === 'function';
}

/** `value` if it is an integer from `min` to `max`; otherwise a TypeError or RangeError. */
export function integer(name: string, value: unknown, min: number, max: number): number {
  if (typeof value !== 'number') throw invalidType(name, 'an integer', value);
  if (!Number.isInteger(value) || value < min || value > max) {
    throw outOfRange(`Expected an integer from ${min} to ${max} for ${name} but received ${value}`);
  }
  return value;
}

/** `value` if it fits into C's `int`; otherwise a TypeError or RangeError. What it is good for, the kernel says: as in Python. */
export function int(name: string, value: unknown): number {
  return integer(name, value, -(2 ** 31), 2 ** 31 - 1);
}

/** For a value of the right type that is not allowed. */
export function invalidValue(message: string): Error & { code: string } {
  return preforkError('ERR_PREFORK_INVALID_ARG_VALUE', message, { Base: TypeError });
}

/** For a number that is too small or too large. */
export function outOfRange(message: string): Error & { code: string } {
  return preforkError('ERR_PREFORK_OUT_OF_RANGE', message, { Base: RangeError });
}
