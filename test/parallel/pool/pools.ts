/** What the tests of Pool have in common. */
import { Pool } from 'prefork/parallel';
import { onTestFinished } from 'vitest';
import { stateOf } from '../../helpers/proc';

export function pool(options: ConstructorParameters<typeof Pool>[0] = {}): Pool {
  const made = new Pool({ processes: 2, ...options });
  onTestFinished(() => made.terminate());
  return made;
}

export function isAlive(pid: number): boolean {
  return !['Z', 'X', undefined].includes(stateOf(pid));
}

export const numbers = (count: number) => Array.from({ length: count }, (_, i) => i);

export async function readAll<T>(values: AsyncIterable<T>): Promise<T[]> {
  const read: T[] = [];
  for await (const value of values) read.push(value);
  return read;
}
