import { closeSync } from 'node:fs';

/** Takes note of what has been opened. */
export type Keep = <T extends number | readonly number[]>(opened: T) => T;

/** What `open` returns, which opens descriptors one after the other: if one of them cannot be had, the others are closed. */
export function allOrNone<T>(open: (keep: Keep) => T): T {
  const opened: number[] = [];
  try {
    return open((each) => {
      opened.push(...[each].flat());
      return each;
    });
  } catch (error) {
    for (const fd of opened) closeSync(fd);
    throw error;
  }
}
