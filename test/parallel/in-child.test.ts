/** inChild(): a function in a child that has all of this process's memory, and in which nothing else of it goes on. */
import { AsyncLocalStorage } from 'node:async_hooks';
import { execFile } from 'node:child_process';
import { createHash, randomUUID } from 'node:crypto';
import { subscribe, unsubscribe } from 'node:diagnostics_channel';
import { once } from 'node:events';
import { readdirSync, readFileSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { setImmediate, setTimeout } from 'node:timers/promises';
import { promisify } from 'node:util';
import { inChild } from 'prefork/parallel';
import { describe, expect, test } from 'vitest';
import {
  _exit,
  type ForkMessage,
  fork,
  getpgid,
  getpid,
  nice,
  registerAtFork,
  sharedCounters,
  WEXITSTATUS,
  waitpid,
  waitpidAsync,
} from '../..';
import { letChildrenEndFirst } from '../helpers/children-end-first';
import { run } from '../helpers/run';

/** Of a process that is there and has not ended. */
function isAlive(pid: number): boolean {
  try {
    return !/\) [ZX] /.test(readFileSync(`/proc/${pid}/stat`, 'latin1'));
  } catch {
    return false;
  }
}

describe('A function', () => {
  test('finds all memory, and what it returns is copied; what it changes stays in the child.', async () => {
    const changed = { by: 'nobody' };
    const own = process.pid;
    const value = await inChild(() => {
      changed.by = 'the child';
      return { changed, map: new Map([[1, new Date(0)]]), pid: process.pid, real: getpid() };
    });
    expect(value).toEqual({
      changed: { by: 'the child' },
      map: new Map([[1, new Date(0)]]),
      pid: value.real,
      real: value.real,
    });
    expect(value.pid).not.toBe(own);
    expect(changed.by).toBe('nobody');
    expect(() => waitpid(value.pid)).toThrow('ECHILD');
  });

  test('sees what its caller has changed in this turn of the loop.', async () => {
    let seen = 'before';
    const value = inChild(() => seen);
    seen = 'after';
    expect(await value).toBe('after');
  });

  test('may wait for timers, files, other processes and the thread pool.', async () => {
    const text = await inChild(async () => {
      await setTimeout(1);
      const { stdout } = await promisify(execFile)('/bin/echo', ['echo']);
      return [stdout, (await readFile(__filename)).length > 0];
    });
    expect(text).toEqual(['echo\n', true]);
  });

  test('has the stores of its caller.', async () => {
    const storage = new AsyncLocalStorage<string>();
    const value = storage.run('stored', () => inChild(() => storage.getStore()));
    expect(await value).toBe('stored');
  });

  test('may call it again, and so may the child of a fork().', async () => {
    expect(await inChild(() => inChild(() => inChild(async () => 'deep')))).toBe('deep');
  });

  test('may return much.', async () => {
    const bytes = await inChild(() => Buffer.alloc(50_000_000, 'abc'));
    const digest = (data: Uint8Array) => createHash('sha1').update(data).digest('hex');
    expect(digest(bytes)).toBe(digest(Buffer.alloc(50_000_000, 'abc')));
  });

  test('runs beside others of its kind.', async () => {
    const values = await Promise.all(Array.from({ length: 20 }, (_, i) => inChild(async () => i)));
    expect(values).toEqual(Array.from({ length: 20 }, (_, i) => i));
  });
});

describe('What it throws', () => {
  test('is copied, with class, name, stack, cause and properties.', async () => {
    const error = await inChild(async () => {
      await setTimeout(1);
      throw Object.assign(new RangeError('too much', { cause: new TypeError('why') }), {
        code: 'ERR_MUCH',
        unsendable: () => {},
      });
    }).catch((thrown) => thrown);
    expect(error).toBeInstanceOf(RangeError);
    expect(error).toMatchObject({ name: 'RangeError', message: 'too much', code: 'ERR_MUCH' });
    expect(error.cause).toMatchObject({ message: 'why' });
    expect(error.stack).toContain('in-child.test.ts');
    await expect(
      inChild(() => {
        throw 'a text';
      }),
    ).rejects.toBe('a text');
  });

  test('is copied with the errors that are in it, each with its own properties.', async () => {
    const cause = Object.assign(new TypeError('inner', { cause: new Error('innermost') }), {
      code: 'ERR_INNER',
    });
    const both = new AggregateError([cause, 'a text'], 'both', { cause });
    const circular = Object.assign(new Error('circular'), { original: cause });
    circular.cause = circular;
    const broken = Object.defineProperty(new Error('broken'), 'getter', {
      enumerable: true,
      get: () => {
        throw new Error('of the getter');
      },
    });
    const copyOf = (error: unknown) => inChild(() => Promise.reject(error)).catch((thrown) => thrown);
    const inner = { name: 'TypeError', message: 'inner', code: 'ERR_INNER', cause: { message: 'innermost' } };
    const copied = await copyOf(both);
    expect(copied).toBeInstanceOf(AggregateError);
    expect(copied).toMatchObject({ message: 'both', cause: inner, errors: [inner, 'a text'] });
    expect(copied.errors[0]).toBeInstanceOf(TypeError);
    expect(await copyOf(circular)).toMatchObject({ message: 'circular', original: inner });
    expect((await copyOf(circular)).cause).toBeUndefined();
    expect(await copyOf(broken)).toMatchObject({ message: 'broken' });
  });

  test('by a signal of its own is an AbortError.', async () => {
    const aborted = inChild(async () => AbortSignal.abort().throwIfAborted());
    const error = await aborted.catch((thrown) => thrown);
    expect(error).toBeInstanceOf(DOMException);
    expect([error.name, error.code, error.message]).toEqual(['AbortError', 20, 'This operation was aborted']);
    expect(error.stack).toContain('AbortError');
  });

  test('in a timer of its own rejects, too.', async () => {
    const never = inChild(() => {
      globalThis.setTimeout(() => {
        throw new Error('late');
      }, 1);
      return new Promise(() => {});
    });
    await expect(never).rejects.toThrow('late');
  });

  test('is an error of its own where its value cannot be copied.', async () => {
    await expect(inChild(() => () => {})).rejects.toThrow('could not be cloned');
  });
});

describe('Without a result it is an error', () => {
  test('of a function that exits: it says with which status.', async () => {
    await expect(inChild(() => process.exit(7))).rejects.toMatchObject({
      code: 'ERR_PREFORK_CHILD_EXITED',
      status: 7,
    });
    await expect(inChild(() => _exit(3))).rejects.toMatchObject({ status: 3 });
  });

  test('of a child that is killed: it says by which signal.', async () => {
    await expect(inChild(() => process.kill(process.pid, 'SIGKILL'))).rejects.toMatchObject({
      code: 'ERR_PREFORK_CHILD_KILLED',
      signal: 'SIGKILL',
    });
  });

  test('of a promise that nothing can settle any more.', async () => {
    await expect(inChild(() => new Promise(() => {}))).rejects.toMatchObject({
      code: 'ERR_PREFORK_CHILD_EXITED',
      message: expect.stringContaining('still pending'),
    });
  });

  test('when its time is over.', async () => {
    const before = performance.now();
    const late = inChild(
      () => {
        for (;;);
      },
      { timeout: 50 },
    );
    await expect(late).rejects.toMatchObject({ code: 'ERR_PREFORK_TIMEOUT' });
    expect(performance.now() - before).toBeGreaterThanOrEqual(50);
    expect(await inChild(() => 1, { timeout: 100_000 })).toBe(1);
  });
});

describe('Progress', () => {
  test('is heard of in its order, all of it before the answer, also of a child that is killed.', async () => {
    const seen: number[] = [];
    const onProgress = (n: number) => seen.push(n);
    const work = async (progress: (n: number) => void) => {
      for (let n = 0; n < 20_000; n++) progress(n);
    };
    await inChild(work, { onProgress });
    expect(seen).toEqual(Array.from({ length: 20_000 }, (_, n) => n));
    seen.length = 0;
    const killed = inChild(
      (progress: (n: number) => void) => {
        progress(1);
        process.kill(process.pid, 'SIGKILL');
      },
      { onProgress },
    );
    await expect(killed).rejects.toMatchObject({ signal: 'SIGKILL' });
    expect(seen).toEqual([1]);
  });

  test('is heard of also if the child has ended before anybody could hear of it.', async () => {
    letChildrenEndFirst();
    const seen: number[] = [];
    const work = (progress: (n: number) => void) => {
      for (const n of [1, 2, 3]) progress(n);
      return 'done';
    };
    expect(await inChild(work, { onProgress: (n: number) => seen.push(n) })).toBe('done');
    expect(seen).toEqual([1, 2, 3]);
  });

  test('that nobody wants goes nowhere; what its listener throws ends the child.', async () => {
    const work = async (progress: (n: number) => void) => {
      progress(1);
      await setTimeout(5);
      return 'done';
    };
    expect(await inChild(work)).toBe('done');
    const endless = async (progress: (n: number) => void) => {
      progress(1);
      await setTimeout(1_000_000);
    };
    const failing = () => {
      throw new Error('enough');
    };
    await expect(inChild(endless, { onProgress: failing })).rejects.toThrow('enough');
  });
});

describe('A limit of memory', () => {
  test('ends a child that outgrows it, whether by buffers or by objects.', async () => {
    const kept: unknown[] = [];
    const ways = [() => Buffer.alloc(2 ** 20, 1), () => Array.from({ length: 2 ** 15 }, (_, i) => ({ i }))];
    for (const make of ways) {
      const grow = async () => {
        for (;;) {
          kept.push(make());
          await setTimeout(1);
        }
      };
      await expect(inChild(grow, { memoryLimit: 50 })).rejects.toMatchObject({
        code: 'ERR_PREFORK_OUT_OF_MEMORY',
        message: expect.stringContaining('50 MB'),
      });
    }
  });

  test('holds for a child that never lets its loop turn, and for what it has started.', async () => {
    const started = sharedCounters([`started ${randomUUID()}`]);
    const [counter] = Object.values(started);
    const kept: Buffer[] = [];
    const grow = () => {
      counter?.add(execFile('/bin/sleep', ['1000']).pid);
      for (;;) kept.push(Buffer.alloc(2 ** 18, 1));
    };
    await expect(inChild(grow, { memoryLimit: 30 })).rejects.toMatchObject({
      code: 'ERR_PREFORK_OUT_OF_MEMORY',
    });
    while (isAlive(counter?.value ?? 0)) await setImmediate();
  });

  test('does not count what a child changes of what it has inherited, nor its own children.', async () => {
    const inherited = Buffer.alloc(100 * 2 ** 20, 1);
    const change = async () => {
      inherited.fill(2);
      const deeper = await inChild(() => {
        const more = Buffer.alloc(100 * 2 ** 20, 1);
        return more.length;
      });
      return [inherited[0], deeper];
    };
    expect(await inChild(change, { memoryLimit: 60 })).toEqual([2, 100 * 2 ** 20]);
  });
});

describe('An AbortSignal', () => {
  test('that is aborted already: there is no child.', async () => {
    await expect(inChild(() => 1, { signal: AbortSignal.abort('why') })).rejects.toMatchObject({
      name: 'AbortError',
      code: 'ABORT_ERR',
      cause: 'why',
    });
  });

  test('before the fork: there is no child.', async () => {
    const controller = new AbortController();
    const aborted = inChild(() => 1, { signal: controller.signal });
    controller.abort();
    await expect(aborted).rejects.toMatchObject({ code: 'ABORT_ERR' });
    expect(await inChild(() => 2)).toBe(2);
  });

  test('right after the fork, before anybody has heard of that: the child is ended.', async () => {
    const controller = new AbortController();
    const pids: number[] = [];
    const note = (message: unknown) => pids.push((message as ForkMessage).pid);
    const removeHook = registerAtFork({ afterInParent: () => controller.abort() });
    subscribe('prefork:fork', note);
    const endless = () => setTimeout(1_000_000);
    const aborted = inChild(endless, { signal: controller.signal }).finally(() => {
      removeHook();
      unsubscribe('prefork:fork', note);
    });
    await expect(aborted).rejects.toMatchObject({ code: 'ABORT_ERR' });
    expect(pids).toHaveLength(1);
    while (isAlive(pids[0] as number)) await setImmediate();
  });

  test('that the child aborts, in its copy, ends nothing.', async () => {
    const controller = new AbortController();
    const value = inChild(
      async () => {
        controller.abort();
        await setTimeout(1);
        return 'done';
      },
      { signal: controller.signal },
    );
    expect(await value).toBe('done');
  });

  test('ends the child, with all that it and children of its own have started.', async () => {
    const result = await run('parallel/aborted.js', { args: ['aborted'] });
    expect(result).toMatchObject({ status: 0, stdout: 'ABORT_ERR\nall gone\n', stderr: '' });
  });
});

test('When the parent is killed children end, with all that they and children of theirs have started.', async () => {
  const { signal, stdout, stderr } = await run('parallel/aborted.js', { args: ['parent'] });
  expect(signal, stderr).toBe('SIGKILL');
  const pids = stdout.trim().split(' ').map(Number);
  expect(pids).toHaveLength(4);
  while (pids.some(isAlive)) await setImmediate();
});

test('What a function has started ends with it.', async () => {
  const started = await inChild(async () => {
    const child = execFile('/bin/sleep', ['1000']);
    return child.pid as number;
  });
  while (isAlive(started)) await setImmediate();
});

test('The child has a group of its own, and the niceness that is asked for.', async () => {
  const own = getpgid(0);
  const [group, pid] = await inChild(() => [getpgid(0), getpid()] as const);
  expect(group).toBe(pid);
  expect(group).not.toBe(own);
  const before = nice(0);
  expect(await inChild(() => nice(0), { nice: 3 })).toBe(Math.min(19, before + 3));
  expect(nice(0)).toBe(before);
});

test('It works in the child of a fork().', async () => {
  const pid = fork({ allowInFlight: true });
  if (pid === 0) {
    /* child */
    inChild(async () => 5).then(_exit, () => _exit(99));
    await new Promise(() => {});
  }
  const [, status] = await waitpidAsync(pid);
  expect(WEXITSTATUS(status)).toBe(5);
});

test('Nothing is left behind: no descriptor, no process.', async () => {
  const count = async () => {
    await setImmediate(); // the loop closes handles after that
    await setImmediate();
    return readdirSync('/proc/self/fd').length;
  };
  await inChild(() => 1);
  const before = await count();
  for (let i = 0; i < 5; i++) await inChild(async () => i);
  await inChild(() => process.exit(1)).catch(() => {});
  expect(await count()).toBe(before);
});

test('Of a busy program nothing goes on in the child, nothing is done twice, and no child fails.', async () => {
  const { status, stdout, stderr } = await run('parallel/busy.js', {
    env: { COUNT: '22', DEADMAN: '100000' },
    deadman: 110_000,
  });
  expect({ status, stdout }, stderr).toEqual({
    status: 0,
    stdout: '{"failed":0,"wrong":[],"outOfOrder":0}\n',
  });
}, 120_000);

test('What the program asks node:dns is asked once, whatever a child asks.', async () => {
  const { status, stdout, stderr } = await run('parallel/queries.js');
  expect({ status, stdout }, stderr).toEqual({ status: 0, stdout: '192.0.2.1 192.0.2.1, asked once\n' });
});

test('A server in a child says which time it is, whatever the program has said before.', async () => {
  const ask = async (server: Server) => {
    const { port } = server.address() as AddressInfo;
    const { headers } = await fetch(`http://127.0.0.1:${port}`);
    return Date.parse(headers.get('date') ?? '');
  };
  const newServer = async () => {
    const server = createServer((_, response) => response.end());
    await once(server.listen(0, '127.0.0.1'), 'listening');
    return server;
  };
  const server = await newServer();
  const before = await ask(server);
  const inIt = await inChild(async () => {
    while (Date.now() < before + 1000) await setTimeout(5);
    return ask(await newServer());
  });
  server.close();
  expect(inIt).toBeGreaterThanOrEqual(before + 1000);
});

test('What the program keeps for itself does not stand in the way of what the child opens.', async () => {
  const { status, stdout, stderr } = await run('parallel/opens.js');
  expect({ status, stdout }, stderr).toEqual({
    status: 0,
    stdout: [
      'fetch over a connection that is kept: ok',
      'http over a connection that is kept: ok',
      'a signal: SIGUSR2',
      'a file that is watched: change',
      'an exit listener: none',
      'a message port: own',
      'done',
      '',
    ].join('\n'),
  });
});

test('The first setImmediate() of a program may be that of a child.', async () => {
  const { status, stdout, stderr } = await run('parallel/first-immediate.js');
  expect({ status, stdout }, stderr).toEqual({ status: 0, stdout: 'ran\n' });
});

test('A thread of the pool that is stuck in a read is left behind, and the child has a pool all the same.', async () => {
  const { status, stdout, stderr } = await run('parallel/stuck.js');
  expect({ status, stdout }, stderr).toEqual({
    status: 0,
    stdout: 'in the child: file, name\nread once: 5\n',
  });
});

test.each([
  [42, {}, 'a function for work'],
  [() => {}, 7, 'an object for options'],
  [() => {}, { timeout: '1' }, 'an integer for options.timeout'],
  [() => {}, { timeout: 0 }, 'from 1 to'],
  [() => {}, { nice: -1 }, 'from 0 to 19'],
  [() => {}, { memoryLimit: 0 }, 'from 1 to'],
  [() => {}, { onProgress: 1 }, 'a function for options.onProgress'],
  [() => {}, { signal: 'SIGTERM' }, 'an AbortSignal for options.signal'],
  [() => {}, { time: 1 }, 'time'],
])('inChild(%s, %j) is refused.', async (work, options, message) => {
  await expect(inChild(work as never, options as never)).rejects.toThrow(message);
});
