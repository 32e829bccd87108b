import { invalidType } from './errors';

export type Given<T> = { [K in keyof T]: Exclude<T[K], null> };

/** The options that were given: Python's `None` is one that was not, and so is `undefined`. */
export function given<T extends object>(name: string, options: T): Given<T> {
  if (typeof options !== 'object' || options === null) throw invalidType(name, 'an object', options);
  const entries = Object.entries(options).filter(([, value]) => value !== null && value !== undefined);
  return Object.fromEntries(entries) as Given<T>;
}
