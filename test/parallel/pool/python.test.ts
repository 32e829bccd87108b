/** What Python's multiprocessing.Pool has of a pool gives the same here. */
import { execFileSync } from 'node:child_process';
import { expect, test } from 'vitest';
import { numbers, pool, readAll } from './pools';

test("CPython's Pool gives the same.", async () => {
  const program = `
import json, multiprocessing
def square(n): return n * n
def fail(n): raise ValueError(str(n))
with multiprocessing.get_context('fork').Pool(2) as pool:
    result = [pool.map(square, range(10)), pool.map(square, range(10), chunksize=3), pool.map(square, [])]
    result.append(list(pool.imap(square, range(5))))
    result.append(sorted(pool.imap_unordered(square, range(5), chunksize=2)))
    try: pool.map(fail, [1])
    except ValueError as error: result.append(str(error))
print(json.dumps(result))`;
  const oracle = JSON.parse(execFileSync('/usr/bin/python3', ['-c', program], { encoding: 'utf8' }));
  const square = (n: number) => n * n;
  const two = pool();
  const yielded = await readAll(two.imap(numbers(5), square));
  const failed = await two
    .map([1], (n) => {
      throw new Error(String(n));
    })
    .catch(({ message }) => message);
  expect([
    await two.map(numbers(10), square),
    await two.map(numbers(10), square, { chunkSize: 3 }),
    await two.map([], square),
    yielded,
    (await readAll(two.imapUnordered(numbers(5), square, { chunkSize: 2 }))).toSorted((a, b) => a - b),
    failed,
  ]).toEqual(oracle);
});
