/** Process: a function in a process of its own, beside what Python has (oracle.test.ts); and what other forks share. */
import { once } from 'node:events';
import { createServer, get } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { Event, Pipe, Process, Value } from 'prefork/multiprocessing';
import { describe, expect, test } from 'vitest';
import { folderWith, prefork } from '../helpers/command';
import { aliveIn } from '../helpers/proc';
import { run, start } from '../helpers/run';
import { ROOT } from '../helpers/stdin';

async function exitcodeOf(work: () => unknown): Promise<number | null> {
  const process = new Process(work);
  process.start();
  await process.join();
  return process.exitcode;
}

describe('A process', () => {
  test('ends when its function is done and nothing is left on its event loop.', async () => {
    const turns = new Value('i');
    const exitcode = await exitcodeOf(() => {
      setTimeout(() => {
        turns.value = 1;
        setImmediate(() => {
          turns.value = 2;
          process.exitCode = 5;
        });
      }, 1);
    });
    expect([exitcode, turns.value]).toEqual([5, 2]);
  });

  test('ends with 13 when its promise cannot settle any more, as a program of Node does.', async () => {
    expect(await exitcodeOf(() => new Promise(() => {}))).toBe(13);
  });

  test('has what it opens: a server, for example.', async () => {
    const [here, there] = Pipe();
    const process = new Process(async () => {
      const server = createServer((_request, response) => response.end('from the child'));
      await once(server.listen(0, '127.0.0.1'), 'listening');
      await there.send((server.address() as AddressInfo).port);
    });
    await process.start();
    const port = (await here.recv()) as number;
    const body = await new Promise((resolve) => {
      get({ port, host: '127.0.0.1', agent: false }, (response) => {
        let text = '';
        response.setEncoding('utf8').on('data', (part) => {
          text += part;
        });
        response.on('end', () => resolve(text));
      });
    });
    expect(body).toBe('from the child');
    process.terminate();
    await process.join();
    expect(process.exitcode).toBe(-15);
  });

  test('may be started as soon as another one is there, and beside any number.', async () => {
    const processes = Array.from({ length: 8 }, () => new Process(() => {}));
    for (const each of processes.slice(0, 4)) await each.start();
    for (const each of processes.slice(4)) each.start();
    for (const each of processes) await each.join();
    expect(processes.map(({ exitcode }) => exitcode)).toEqual(Array(8).fill(0));
  });

  test('is given its arguments, and what its starter has changed until the fork.', async () => {
    let seen = 'before';
    const process = new Process(
      (one: number, other: string) =>
        one === 1 && other === 'two' && seen === 'after' ? undefined : raise(),
      { args: [1, 'two'] },
    );
    const started = process.start();
    seen = 'after';
    await started;
    await process.join();
    expect(process.exitcode).toBe(0);
  });

  test('does not fire what its parent waits for.', async () => {
    const [event, seen] = [new Event(), new Value('i')];
    const waited = event.wait(0.2).then(() => {
      seen.value++;
    });
    expect(await exitcodeOf(() => new Promise((resolve) => setTimeout(resolve, 300)))).toBe(0);
    await waited;
    expect(seen.value).toBe(1);
  });

  test('has arguments that are checked.', () => {
    expect(() => new Process(1 as never)).toThrow(TypeError);
    expect(() => new Process(() => {}, { deamon: true } as never)).toThrow('Expected daemon');
    expect(() => new Process(() => {}, { name: 1 as never })).toThrow(TypeError);
  });
});

function raise(): never {
  throw new Error('seen otherwise');
}

describe('When the parent ends', () => {
  test('by itself or by process.exit() it terminates its daemons and waits for the others.', async () => {
    expect(await run('multiprocessing/ends.js')).toMatchObject({
      status: 0,
      stdout: 'parent: done\ndaemon: SIGTERM\nchild: done\n',
      stderr: '',
    });
    expect(await run('multiprocessing/ends.js', { args: ['exit'] })).toMatchObject({
      status: 3,
      stdout: 'daemon: SIGTERM\nchild: done\n',
      stderr: '',
    });
  });

  test('by what it throws, too.', async () => {
    const { status, stdout, stderr } = await run('multiprocessing/ends.js', { args: ['throw'] });
    expect({ status, stdout }, stderr).toEqual({ status: 1, stdout: 'daemon: SIGTERM\nchild: done\n' });
    expect(stderr).toContain('of the parent');
  });

  test('by a signal its daemons end, too; those of Python live on.', async () => {
    const program = start('multiprocessing/ends.js', { args: ['kill'] });
    const pid = await program.line();
    expect(Number(pid)).toBeGreaterThan(1);
    expect(await program.line()).toBe('daemon: SIGTERM');
    await program.gone();
    expect(aliveIn(program.pid)).toEqual([]);
  });
});

describe('What was made before a fork is shared', () => {
  test.each(['Process', 'inChild', 'fork', 'fork while the parent waits', 'forkProcesses'])(
    'by %s.',
    async (kind) => {
      const { status, stdout, stderr } = await run('multiprocessing/forks.js', { args: [kind] });
      expect({ status, stdout }, stderr).toEqual({ status: 0, stdout: '0,1,2 300\n' });
    },
  );

  test('by workers of the command.', async () => {
    const folder = folderWith({
      'app.js': `
        const { createServer } = require('node:http');
        const { Barrier, Lock, Queue, Value } = require(${JSON.stringify(join(ROOT, 'dist', 'multiprocessing.js'))});
        const [barrier, lock, value, queue] = [new Barrier(2), new Lock(), new Value('i'), new Queue()];
        createServer((_, response) => response.end()).listen(0, '127.0.0.1', async () => {
          await barrier.wait();
          for (let i = 0; i < 100; i++) await lock.with(() => { value.value = value.value + 1; });
          if ((await barrier.wait()) === 0) queue.putNowait(value.value);
          else process.stdout.write('all together ' + (await queue.get()) + '\\n');
        });
      `,
    });
    const program = prefork(folder, ['app.js', '--workers', '2']);
    await program.until(/all together 200\n/);
    program.kill('SIGTERM');
    expect(await program.exit()).toBe('status 0');
  });
});

test('Of many processes, locks, values, queues and pipes nothing is left.', async () => {
  const { status, stdout, stderr } = await run('multiprocessing/many.js', {
    args: ['40', '400'],
    deadman: 100_000,
  });
  expect({ status, stdout }, stderr).toEqual({ status: 0, stdout: 'nothing is left\n' });
});
