/** Which children a pool has, how many, and of what kind. */
import { randomUUID } from 'node:crypto';
import { setTimeout } from 'node:timers/promises';
import { Pool } from 'prefork/parallel';
import { describe, expect, test } from 'vitest';
import { nice, sharedCounters } from '../../..';
import { run } from '../../helpers/run';
import { numbers, pool } from './pools';

function never(): never {
  throw new Error('no');
}

describe('map()', () => {
  test('divides the items between as many children as there are processes, or items.', async () => {
    const begun = sharedCounters([`begun ${randomUUID()}`]);
    const [counter] = Object.values(begun);
    const both = async () => {
      counter?.add();
      while ((counter?.value ?? 0) < 2) await setTimeout(1); // until the other has begun, too
      return process.pid;
    };
    const pids = await pool().map([0, 1], both);
    expect(new Set(pids).size).toBe(2);
    expect(pids).not.toContain(process.pid);
    expect(new Set(await pool({ processes: 8 }).map([0], () => process.pid)).size).toBe(1);
  });

  test('has the initializer called first, once in each child, and fails with what that throws.', async () => {
    let ready = 'not ready';
    const initializer = async () => {
      await setTimeout(1);
      ready += ', ready';
    };
    const values = await pool({ initializer, processes: 1 }).map(numbers(3), () => ready, { chunkSize: 1 });
    expect(values).toEqual(Array(3).fill('not ready, ready'));
    expect(await pool({ initializer }).run(() => ready)).toBe('not ready, ready');
    for (const fail of [() => Promise.reject(new Error('no')), () => never()]) {
      await expect(pool({ initializer: fail }).map([1], (n) => n)).rejects.toThrow('no');
    }
  });

  test('has children of the niceness that is asked for.', async () => {
    const own = nice(0);
    expect(await pool({ nice: 3 }).map([0], () => nice(0))).toEqual([Math.min(19, own + 3)]);
  });

  test('has a new child after so many items (maxTasksPerChild).', async () => {
    const pids = await pool({ processes: 1, maxTasksPerChild: 2 }).map(numbers(6), () => process.pid, {
      chunkSize: 1,
    });
    expect(pids.map((pid) => pids.indexOf(pid))).toEqual([0, 0, 2, 2, 4, 4]);
  });
});

describe('run()', () => {
  test('calls no more functions at a time than there are processes.', async () => {
    const counters = sharedCounters([`running ${randomUUID()}`, `too many ${randomUUID()}`]);
    const [running, tooMany] = Object.values(counters);
    const work = async () => {
      running?.add(1);
      if ((running?.value ?? 0) > 2) tooMany?.add();
      await setTimeout(5);
      running?.add(-1);
    };
    const two = pool();
    await Promise.all([
      ...numbers(6).map(() => two.run(work)),
      two.map(numbers(6), work),
      two.map([1], work),
    ]);
    expect({ running: running?.value, tooMany: tooMany?.value }).toEqual({ running: 0, tooMany: 0 });
  });

  test('hands progress on, and takes the options of the pool.', async () => {
    const seen: number[] = [];
    const own = nice(0);
    const value = await pool({ nice: 2 }).run(
      (progress: (n: number) => void) => {
        progress(1);
        progress(2);
        return nice(0);
      },
      { onProgress: (n) => seen.push(n) },
    );
    expect({ seen, value }).toEqual({ seen: [1, 2], value: Math.min(19, own + 2) });
  });
});

test('In a child, a copy of the pool works, and disturbs nobody.', async () => {
  const two = pool();
  const inChildren = await two.map(numbers(2), async () => {
    const deeper = await two.map(numbers(3), (n) => n + 1);
    await two.terminate();
    return deeper;
  });
  expect(inChildren).toEqual([
    [1, 2, 3],
    [1, 2, 3],
  ]);
  expect(await two.run(() => 'open')).toBe('open');
});

test('A child that aborts its copy of a signal ends neither its siblings nor the call.', async () => {
  const controller = new AbortController();
  const { signal } = controller;
  const work = async (n: number) => {
    if (n % 2 === 0) controller.abort();
    await setTimeout(1);
    return n;
  };
  expect(await pool().map(numbers(8), work, { signal, chunkSize: 1 })).toEqual(numbers(8));
  expect(signal.aborted).toBe(false);
});

test.each([
  [{ processes: 0 }, 'from 1 to'],
  [{ processes: '2' }, 'an integer for options.processes'],
  [{ maxTasksPerChild: 0 }, 'from 1 to'],
  [{ process: 1 }, 'process'],
])('new Pool(%j) is refused.', (options, message) => {
  expect(() => new Pool(options as never)).toThrow(message);
});

test('A child of fork() that is made meanwhile, and turns its loop, takes no answer away from its parent.', async () => {
  const result = await run('parallel/forks-meanwhile.js', { deadman: 60_000 });
  expect(result).toEqual({ status: 0, signal: null, stdout: '300\n', stderr: '' });
});
