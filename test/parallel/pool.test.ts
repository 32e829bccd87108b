/** Pool: functions in children, so many at a time; what Python's multiprocessing.Pool has of it gives the same here. */
import { execFile, execFileSync } from 'node:child_process';
import { randomUUID } from 'node:crypto';
import { readdirSync, readlinkSync } from 'node:fs';
import { setImmediate, setTimeout } from 'node:timers/promises';
import { isDeepStrictEqual } from 'node:util';
import { Pool } from 'prefork/parallel';
import { describe, expect, onTestFinished, test } from 'vitest';
import { nice, sharedCounters } from '../..';
import { letChildrenEndFirst } from '../helpers/children-end-first';
import { stateOf } from '../helpers/proc';

function pool(options: ConstructorParameters<typeof Pool>[0] = {}): Pool {
  const made = new Pool({ processes: 2, ...options });
  onTestFinished(() => made.terminate());
  return made;
}

function isAlive(pid: number): boolean {
  return !['Z', 'X', undefined].includes(stateOf(pid));
}

/** What stands behind each descriptor, but for the one that lists them, when what is being closed is closed. */
async function openFiles(): Promise<string[]> {
  await setImmediate(); // the loop closes handles after that
  await setImmediate();
  return readdirSync('/proc/self/fd').flatMap((fd) => {
    try {
      return `${fd} ${readlinkSync(`/proc/self/fd/${fd}`)}`;
    } catch {
      return [];
    }
  });
}

function never(): never {
  throw new Error('no');
}

const numbers = (count: number) => Array.from({ length: count }, (_, i) => i);

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

  test('finds what is in memory at the call, and nothing of it is copied.', async () => {
    const items = [() => 'a function', new WeakMap(), Symbol('nobody can copy this')];
    expect(await pool().map(items, (item) => typeof item)).toEqual(['function', 'object', 'symbol']);
  });

  test('rejects with the first error, and ends the others.', async () => {
    const failed = await pool()
      .map(numbers(10), async (n) => {
        const cause = new TypeError('why');
        if (n === 3) throw Object.assign(new RangeError('no 3', { cause }), { code: 'ERR_THREE' });
        if (n > 3) await setTimeout(1_000_000);
        return n;
      })
      .catch((error) => error);
    expect(failed).toMatchObject({ name: 'RangeError', message: 'no 3', code: 'ERR_THREE' });
    expect(failed.cause).toMatchObject({ name: 'TypeError', message: 'why' });
    expect(failed.stack).toContain('pool.test.ts');
  });

  test.each([
    [
      'is killed',
      () => process.kill(process.pid, 'SIGKILL'),
      { code: 'ERR_PREFORK_CHILD_KILLED', signal: 'SIGKILL' },
    ],
    ['exits', () => process.exit(0), { code: 'ERR_PREFORK_CHILD_EXITED', status: 0 }],
    [
      'waits for what cannot come',
      () => new Promise(() => {}),
      { code: 'ERR_PREFORK_CHILD_EXITED', message: expect.stringContaining('still pending') },
    ],
  ])('rejects if a child %s, and the pool goes on with another.', async (_, end, error) => {
    const two = pool();
    const failed = two.map(numbers(10), (n) => (n === 5 ? end() : n), { chunkSize: 1 });
    await expect(failed).rejects.toMatchObject(error);
    expect(await two.map([1], (n) => n)).toEqual([1]);
  });

  test('names the items that a child had in hand which ended.', async () => {
    const failed = pool().map(numbers(10), (n) => (n === 5 ? process.exit(7) : n), { chunkSize: 3 });
    await expect(failed).rejects.toThrow('exited with status 7 while it had items 3 to 5 in hand');
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

  test('ends when it is aborted, with all that its children have started.', async () => {
    const controller = new AbortController();
    const started = sharedCounters([`started ${randomUUID()}`]);
    const [counter] = Object.values(started);
    const aborted = pool().map(
      numbers(2),
      async () => {
        const { pid } = execFile('/bin/sleep', ['1000']);
        counter?.add(pid);
        await setTimeout(1_000_000);
      },
      { signal: controller.signal, chunkSize: 2 },
    );
    while (counter?.value === 0) await setTimeout(1);
    controller.abort('why');
    await expect(aborted).rejects.toMatchObject({ code: 'ABORT_ERR', cause: 'why' });
    while (isAlive(counter?.value ?? 0)) await setTimeout(1);
  });

  test('is not begun when it was aborted before.', async () => {
    const aborted = pool().map([1], () => 1, { signal: AbortSignal.abort() });
    await expect(aborted).rejects.toMatchObject({ code: 'ABORT_ERR' });
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

  test('fails with what a child has thrown also if that has ended before anybody could hear of it.', async () => {
    letChildrenEndFirst();
    const initializer = () => {
      throw new Error('of the initializer');
    };
    await expect(pool({ initializer }).map([1], (n) => n)).rejects.toThrow('of the initializer');
  });

  test('has children of the niceness that is asked for.', async () => {
    const own = nice(0);
    expect(await pool({ nice: 3 }).map([0], () => nice(0))).toEqual([Math.min(19, own + 3)]);
  });

  test('is ended when a child outgrows its limit.', async () => {
    const kept: Buffer[] = [];
    const grow = async () => {
      for (;;) {
        kept.push(Buffer.alloc(2 ** 20, 1));
        await setTimeout(1);
      }
    };
    await expect(pool({ memoryLimit: 30 }).map([1], grow)).rejects.toMatchObject({
      code: 'ERR_PREFORK_OUT_OF_MEMORY',
      message: expect.stringContaining('30 MB'),
    });
  });

  test('has a new child after so many items (maxTasksPerChild).', async () => {
    const pids = await pool({ processes: 1, maxTasksPerChild: 2 }).map(numbers(6), () => process.pid, {
      chunkSize: 1,
    });
    expect(pids.map((pid) => pids.indexOf(pid))).toEqual([0, 0, 2, 2, 4, 4]);
  });
});

async function readAll<T>(values: AsyncIterable<T>): Promise<T[]> {
  const read: T[] = [];
  for await (const value of values) read.push(value);
  return read;
}

describe('imap()', () => {
  test('yields in the order of the items.', async () => {
    expect(await readAll(pool().imap(numbers(20), async (n) => n * 2))).toEqual(
      numbers(20).map((n) => n * 2),
    );
    expect(await readAll(pool().imap(numbers(20), (n, i) => n * i, { chunkSize: 3 }))).toEqual(
      numbers(20).map((n) => n * n),
    );
    expect(await readAll(pool().imap([], (n) => n))).toEqual([]);
  });

  test('yields the first while the last ones are still being worked on; who stops early ends them.', async () => {
    const endless = pool().imap(numbers(10), async (n) => {
      if (n > 0) await setTimeout(1_000_000);
      return n;
    });
    for await (const value of endless) {
      expect(value).toBe(0);
      break;
    }
  });

  test('takes items without end, and no more of them than its reader does.', async () => {
    let made = 0;
    let hasEnded = false;
    async function* endless() {
      try {
        for (;;) yield { number: made++ };
      } finally {
        hasEnded = true;
      }
    }
    const seen: number[] = [];
    for await (const value of pool().imap(endless(), ({ number }) => number * 2)) {
      expect(made).toBeLessThanOrEqual(seen.length + 10);
      if (seen.push(value) === 100) break;
    }
    expect(seen).toEqual(numbers(100).map((n) => n * 2));
    expect(hasEnded).toBe(true);
  });

  test('yields what is there while its source keeps it waiting.', async () => {
    async function* slow() {
      yield 1;
      yield 2;
      await new Promise(() => {});
    }
    const values = pool().imap(slow(), (n) => n);
    expect([(await values.next()).value, (await values.next()).value]).toEqual([1, 2]);
    await values.return();
  });

  test('throws at the item whose function has thrown.', async () => {
    const seen: number[] = [];
    const failing = async () => {
      const values = pool({ processes: 1 }).imap(numbers(5), (n) => {
        if (n === 2) throw new Error('no 2');
        return n;
      });
      for await (const value of values) seen.push(value);
    };
    await expect(failing()).rejects.toThrow('no 2');
    expect(seen).toEqual([0, 1]);
  });

  test('throws what its source throws, after all that came before.', async () => {
    function* broken() {
      yield 1;
      yield 2;
      throw new Error('no 3');
    }
    const seen: number[] = [];
    const failing = async () => {
      for await (const value of pool().imap(broken(), (n) => n)) seen.push(value);
    };
    await expect(failing()).rejects.toThrow('no 3');
    expect(seen).toEqual([1, 2]);
  });

  /** 1, and 2 when it is told to go on. */
  function twoItems() {
    let goOn = () => {};
    const told = new Promise<void>((resolve) => {
      goOn = resolve;
    });
    async function* items() {
      yield 1;
      await told;
      yield 2;
    }
    return { items: items(), goOn: () => goOn() };
  }

  test('gives room to another call that comes when its children have nothing to do.', async () => {
    const { items, goOn } = twoItems();
    const one = pool({ processes: 1 });
    const values = one.imap(items, (n) => n);
    expect((await values.next()).value).toBe(1);
    expect(await one.run(() => 'another call')).toBe('another call');
    goOn();
    expect((await values.next()).value).toBe(2);
    expect((await values.next()).done).toBe(true);
  });

  test('has another child for one that was killed when it had nothing to do.', async () => {
    const { items, goOn } = twoItems();
    const values = pool({ processes: 1 }).imap(items, () => process.pid);
    const first = (await values.next()).value as number;
    process.kill(first, 'SIGKILL');
    while (stateOf(first) !== undefined) await setImmediate();
    goOn();
    expect((await values.next()).value).not.toBe(first);
    expect((await values.next()).done).toBe(true);
  });

  test('keeps no child for what cannot come any more, though its reader is not done.', async () => {
    let end = () => {};
    const ended = new Promise<void>((resolve) => {
      end = resolve;
    });
    async function* oneItem() {
      yield 1;
      await ended;
    }
    const values = pool({ processes: 1 }).imap(oneItem(), () => process.pid);
    const pid = (await values.next()).value as number;
    end();
    while (isAlive(pid)) await setImmediate();
    expect((await values.next()).done).toBe(true);
  });

  test('leaves room for other calls while it has nothing to do.', async () => {
    const one = pool({ processes: 1 });
    const values = one.imap(numbers(100), (n) => n);
    for await (const value of values) {
      expect(await one.run(() => value + 1)).toBe(value + 1);
      if (value === 20) break;
    }
  });
});

describe('imapUnordered()', () => {
  test('yields each as soon as it is there.', async () => {
    const told = sharedCounters([`told ${randomUUID()}`]);
    const [counter] = Object.values(told);
    const work = async (n: number) => {
      while (n === 0 && counter?.value === 0) await setTimeout(1);
      return n;
    };
    const seen: number[] = [];
    for await (const value of pool().imapUnordered(numbers(5), work)) {
      if (seen.push(value) === 4) counter?.add(); // the first one is the last
    }
    expect(seen.at(-1)).toBe(0);
    expect(seen.toSorted()).toEqual(numbers(5));
  });

  test('throws as soon as something fails.', async () => {
    const work = async (n: number) => {
      if (n === 1) throw new Error('no 1');
      await setTimeout(1_000_000);
    };
    await expect(readAll(pool().imapUnordered(numbers(5), work))).rejects.toThrow('no 1');
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

  test('that waits for room is aborted at once.', async () => {
    const one = pool({ processes: 1 });
    const controller = new AbortController();
    const first = one.run(() => setTimeout(1_000_000));
    first.catch(() => {});
    const second = one.run(() => 1, { signal: controller.signal });
    controller.abort();
    await expect(second).rejects.toMatchObject({ code: 'ABORT_ERR' });
    await one.terminate();
    await expect(first).rejects.toMatchObject({ code: 'ERR_PREFORK_CLOSED' });
  });

  test('rejects as inChild() does, and takes its options.', async () => {
    await expect(pool().run(() => process.exit(3))).rejects.toMatchObject({ status: 3 });
    const late = pool().run(() => setTimeout(1_000_000), { timeout: 20 });
    await expect(late).rejects.toMatchObject({ code: 'ERR_PREFORK_TIMEOUT' });
    const aborted = pool().run(() => 1, { signal: AbortSignal.abort() });
    await expect(aborted).rejects.toMatchObject({ code: 'ABORT_ERR' });
  });
});

describe('The end of a pool', () => {
  test('close() waits for what is under way, and refuses the rest.', async () => {
    const closed = pool();
    const value = closed.run(async () => {
      await setTimeout(20);
      return 'done';
    });
    await closed.close();
    expect(await value).toBe('done');
    await expect(closed.run(() => 1)).rejects.toMatchObject({ code: 'ERR_PREFORK_CLOSED' });
    await expect(closed.map([1], (n) => n)).rejects.toMatchObject({ code: 'ERR_PREFORK_CLOSED' });
    expect(() => closed.imap([1], (n) => n)).toThrow('was closed');
  });

  test('join() wants it closed before.', async () => {
    const open = pool();
    await expect(open.join()).rejects.toMatchObject({ code: 'ERR_PREFORK_BUSY' });
    open.close();
    await open.join();
  });

  test('terminate(), and `await using`, end what is under way.', async () => {
    const ended = pool();
    const both = Promise.allSettled([
      ended.run(() => setTimeout(1_000_000)),
      ended.map(numbers(3), () => setTimeout(1_000_000)),
    ]);
    await ended[Symbol.asyncDispose]();
    for (const { status, reason } of (await both) as PromiseRejectedResult[]) {
      expect({ status, code: reason.code }).toEqual({ status: 'rejected', code: 'ERR_PREFORK_CLOSED' });
    }
  });

  test('terminate() waits for no reader, who hears of it when reading on.', async () => {
    const ended = pool({ processes: 1 });
    const values = ended.imap(numbers(100), (n) => n);
    expect((await values.next()).value).toBe(0);
    await ended.terminate();
    await expect(readAll(values)).rejects.toMatchObject({ code: 'ERR_PREFORK_CLOSED' });
  });

  test('Nothing is left behind: no descriptor.', async () => {
    const one = pool();
    await one.map(numbers(10), (n) => n);
    const before = await openFiles();
    for (let i = 0; i < 3; i++) await one.map(numbers(10), (n) => n);
    await one.map(numbers(10), () => process.exit(1)).catch(() => {});
    for await (const _ of one.imap(numbers(10), (n) => n)) break;
    expect(await openFiles()).toEqual(before);
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

test.each([
  [{ processes: 0 }, 'from 1 to'],
  [{ processes: '2' }, 'an integer for options.processes'],
  [{ maxTasksPerChild: 0 }, 'from 1 to'],
  [{ process: 1 }, 'process'],
])('new Pool(%j) is refused.', (options, message) => {
  expect(() => new Pool(options as never)).toThrow(message);
});
