/** Locks, semaphores, events, conditions and barriers between processes: whoever dies, nobody waits for the dead. */
import {
  Barrier,
  BrokenBarrierError,
  Condition,
  Event,
  Lock,
  type Process,
  RLock,
  Semaphore,
  SharedArray,
  Value,
} from 'prefork/multiprocessing';
import { describe, expect, test } from 'vitest';
import { end, start } from './processes';

const forever = () => new Promise(() => setInterval(() => {}, 1e9));

describe.each([
  ['Lock', () => new Lock()],
  ['RLock', () => new RLock()],
])('A %s', (_name, make) => {
  test('whose owner is killed goes to whoever waits, and says so until it is given back.', async () => {
    const [lock, has] = [make(), new Event()];
    const owner = await start(async () => {
      await lock.acquire();
      has.set();
      await forever();
    });
    await has.wait();
    expect(await lock.acquire(0)).toBe(false);
    const acquired = lock.acquire();
    owner.kill();
    expect(await acquired).toBe(true);
    expect(lock.ownerDied).toBe(true);
    lock.release();
    expect(lock.acquireSync()).toBe(true);
    expect(lock.ownerDied).toBe(false);
    lock.release();
    await owner.join();
  });

  test('whose owner has been killed long ago is there for the next, also at once and blocking.', async () => {
    for (const acquire of [
      (lock: Lock | RLock) => lock.acquireSync(0),
      (lock: Lock | RLock) => lock.acquireSync(),
    ]) {
      const [lock, has] = [make(), new Event()];
      const owner = await start(async () => {
        lock.acquireSync();
        has.set();
        await forever();
      });
      await has.wait();
      await end(owner);
      expect(acquire(lock)).toBe(true);
      expect(lock.ownerDied).toBe(true);
      lock.release();
    }
  });

  test('is waited for while its owner is killed, blocking.', async () => {
    const [lock, has, late] = [make(), new Event(), new Event()];
    const owner = await start(async () => {
      lock.acquireSync();
      has.set();
      await late.wait();
      process.kill(process.pid, 'SIGKILL');
    });
    await has.wait();
    late.set();
    expect(lock.acquireSync()).toBe(true);
    expect(lock.ownerDied).toBe(true);
    lock.release();
    await owner.join();
  });

  test('passes by those that were killed while they waited.', async () => {
    const [lock, waiting, got] = [make(), new Semaphore(0), new Value('i')];
    lock.acquireSync();
    const wait = async (number: number) => {
      const acquired = lock.acquire(); // in the line by now
      waiting.release();
      await acquired;
      got.value = got.value * 10 + number;
      lock.release();
    };
    const processes: Process[] = [];
    for (const number of [1, 2, 3, 4]) {
      processes.push(await start(() => wait(number)));
      await waiting.acquire();
    }
    const [first, second, third, fourth] = processes as [Process, Process, Process, Process];
    await end(first);
    await end(third);
    lock.release();
    await fourth.join();
    await second.join();
    expect(got.value).toBe(24);
  });
});

test('A Lock is had in the order in which processes came.', async () => {
  const [lock, waiting, order, count] = [
    new Lock(),
    new Semaphore(0),
    new SharedArray('i', 6),
    new Value('i'),
  ];
  await lock.acquire();
  const processes: Process[] = [];
  for (let number = 0; number < 6; number++) {
    processes.push(
      await start(async () => {
        const acquired = lock.acquire();
        waiting.release();
        await acquired;
        order.getObj()[count.value++] = number;
        lock.release();
      }),
    );
    await waiting.acquire();
  }
  lock.release();
  for (const process of processes) await process.join();
  expect([...order]).toEqual([0, 1, 2, 3, 4, 5]);
});

test('Who stops waiting lets those behind it go on.', async () => {
  const [lock, waiting, release] = [new Lock(), new Event(), new Event()];
  const owner = await start(async () => {
    await lock.acquire();
    waiting.set();
    await release.wait();
    lock.release();
  });
  await waiting.wait();
  const [late, patient] = [lock.acquire(0.02), lock.acquire()];
  expect(await late).toBe(false);
  release.set();
  expect(await patient).toBe(true);
  lock.release();
  await owner.join();
});

test('Callers of one process have a Lock one at a time, in order.', async () => {
  const lock = new Lock();
  const order: number[] = [];
  let inside = 0;
  await Promise.all(
    Array.from({ length: 20 }, (_, i) =>
      lock.with(async () => {
        expect(inside++).toBe(0);
        await new Promise(setImmediate);
        order.push(i);
        inside--;
      }),
    ),
  );
  expect(order).toEqual(Array.from({ length: 20 }, (_, i) => i));
});

test('What is guarded is whole whenever processes are killed, but for one that says so.', async () => {
  const [lock, pair] = [new Lock(), new SharedArray('i', 2)];
  const [one, other] = [0, 1];
  const work = async () => {
    const cells = pair.getObj();
    for (;;) {
      await lock.acquire();
      if (lock.ownerDied) cells[other] = cells[one] as number;
      if (cells[one] !== cells[other]) process.exit(7);
      cells[one] = (cells[one] as number) + 1;
      cells[other] = (cells[other] as number) + 1;
      lock.release();
    }
  };
  const processes = [await start(work), await start(work)];
  for (let i = 0; i < 15; i++) {
    const before = pair.getObj()[one] as number;
    while ((pair.getObj()[one] as number) < before + 1 + (i % 7) * 10) await new Promise(setImmediate);
    const killed = processes.shift() as Process;
    await end(killed);
    expect(killed.exitcode).toBe(-9);
    processes.push(await start(work));
  }
  await Promise.all(processes.map(end));
  expect(processes.map(({ exitcode }) => exitcode)).toEqual([-9, -9]);
  expect(await lock.acquire()).toBe(true);
});

test('A Semaphore passes by those that were killed while they waited.', async () => {
  const [permits, waiting] = [new Semaphore(0), new Semaphore(0)];
  const wait = async () => {
    const acquired = permits.acquire();
    waiting.release();
    await acquired;
  };
  const processes: Process[] = [];
  for (let i = 0; i < 3; i++) {
    processes.push(await start(wait));
    await waiting.acquire();
  }
  const [first, second, third] = processes as [Process, Process, Process];
  await end(first);
  permits.release();
  await second.join();
  expect(second.exitcode).toBe(0);
  await end(third);
  permits.release();
  expect(await permits.acquire()).toBe(true);
  expect(permits.getValue()).toBe(0);
});

test('An Event and a Condition pass by those that were killed while they waited.', async () => {
  const [event, condition, waiting] = [new Event(), new Condition(), new Semaphore(0)];
  const waitForEvent = async () => {
    const set = event.wait();
    waiting.release();
    await set;
  };
  const waitForCondition = () =>
    condition.with(async () => {
      const told = condition.wait();
      waiting.release();
      await told;
    });
  const processes: Process[] = [];
  for (const work of [waitForEvent, waitForEvent, waitForCondition, waitForCondition]) {
    processes.push(await start(work));
    await waiting.acquire();
  }
  const [one, two, three, four] = processes as [Process, Process, Process, Process];
  await end(one);
  await end(three);
  event.set();
  await condition.with(() => condition.notify());
  await two.join();
  await four.join();
  expect([two.exitcode, four.exitcode]).toEqual([0, 0]);
});

test('Whose time is over when others of its process have just been told takes nothing from them.', async () => {
  const condition = new Condition(new Lock());
  let waiting = 0;
  const wait = (timeout?: number) =>
    condition.with(() => {
      waiting++;
      return condition.wait(timeout);
    });
  const [first, second, late] = [wait(), wait(), wait(0.05)];
  while (waiting < 3) await new Promise(setImmediate);
  await condition.with(() => condition.notify());
  const told = performance.now();
  while (performance.now() - told < 60); // nobody looks before that time is over
  expect(await late).toBe(false);
  expect(await first).toBe(true);
  await condition.with(() => condition.notify());
  expect(await second).toBe(true);
});

test('An Event that is cleared at once lets all go on that waited; Python may let them wait.', async () => {
  const [event, waiting] = [new Event(), new Semaphore(0)];
  const process = await start(async () => {
    const set = event.wait();
    waiting.release();
    await set;
  });
  await waiting.acquire();
  event.set();
  event.clear();
  await process.join();
  expect(process.exitcode).toBe(0);
});

test('The action of a Barrier may wait; who comes meanwhile is of the next round.', async () => {
  const done: string[] = [];
  const barrier = new Barrier(2, async () => {
    await new Promise(setImmediate);
    done.push('action');
  });
  const wait = () => barrier.wait().then((index) => done.push(`passed ${index}`));
  await Promise.all([wait(), wait(), wait(), wait()]);
  expect(done.filter((each) => each === 'action')).toHaveLength(2);
  expect(done.indexOf('action')).toBe(0);
  expect(done.filter((each) => each === 'passed 0')).toHaveLength(2);
  expect(barrier.nWaiting).toBe(0);
});

test.each([
  ['aborted', (barrier: Barrier) => barrier.abort(), true],
  ['reset', (barrier: Barrier) => barrier.reset(), false],
])(
  'A Barrier that is %s while its action is under way is so afterwards, also if that throws.',
  async (_, change, broken) => {
    for (const fails of [false, true]) {
      const waiting: number[] = [];
      const barrier: Barrier = new Barrier(2, () => {
        waiting.push(barrier.nWaiting);
        change(barrier);
        if (fails) throw new Error('of the action');
      });
      const both = await Promise.allSettled([barrier.wait(), barrier.wait()]);
      const reasons = both.map((each) => (each.status === 'rejected' ? each.reason.message : each.value));
      const isBroken = new BrokenBarrierError().message;
      expect(reasons).toEqual([isBroken, fails ? 'of the action' : isBroken]);
      expect({ broken: barrier.broken, waiting }).toEqual({ broken, waiting: [0] });
    }
  },
);

test('A Barrier breaks when its own time is over, and waits without a limit if it is asked to.', async () => {
  const barrier = new Barrier(2, null, 0.02);
  await expect(barrier.wait()).rejects.toBeInstanceOf(BrokenBarrierError);
  expect(barrier.broken).toBe(true);
  barrier.reset();
  const first = barrier.wait(null);
  await new Promise((resolve) => setTimeout(resolve, 40));
  expect(await Promise.all([first, barrier.wait(null)])).toEqual([0, 1]);
});

test('More can wait in one process than a page has room for.', async () => {
  const permits = new Semaphore(0);
  const all = Promise.all(Array.from({ length: 3000 }, () => permits.acquire()));
  for (let i = 0; i < 3000; i++) permits.release();
  expect((await all).every(Boolean)).toBe(true);
});

test('Arguments are checked.', async () => {
  expect(() => new Semaphore(-1)).toThrow(RangeError);
  expect(() => new Barrier(0)).toThrow(RangeError);
  expect(() => new Value('x' as 'i')).toThrow('Expected one of b B h H');
  expect(() => new SharedArray('i', -1)).toThrow(RangeError);
  expect(() => new Value('i', 1, { lock: {} as Lock })).toThrow(TypeError);
  await expect(new Lock().acquire('1' as unknown as number)).rejects.toMatchObject({
    code: 'ERR_PREFORK_INVALID_ARG_TYPE',
  });
});
