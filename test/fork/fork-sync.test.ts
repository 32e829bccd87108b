/** forkSync(): the child leaves by _exit whatever happens, and the parent learns all of it. */
import { existsSync, mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, onTestFinished, test } from 'vitest';
import { _exit, fork, forkSync, getpid, waitpid } from '../..';
import { run } from '../helpers/run';

const ended = { status: 0, signal: null, error: undefined, stdout: '', stderr: '' };

test('What the function returns is copied, and what it changes stays in the child.', () => {
  const changed = { by: 'nobody' };
  const own = process.pid;
  const { pid, value, ...end } = forkSync(() => {
    changed.by = 'the child';
    return { changed, map: new Map([[1, new Date(0)]]), pid: process.pid, real: getpid() };
  });
  expect(end).toEqual(ended);
  expect(value).toEqual({ changed: { by: 'the child' }, map: new Map([[1, new Date(0)]]), pid, real: pid });
  expect(pid).not.toBe(own);
  expect(changed.by).toBe('nobody');
  expect(() => waitpid(pid)).toThrow('ECHILD');
});

test('What it throws is copied, with its class, name, stack and properties.', () => {
  const thrown = forkSync(() => {
    throw Object.assign(new RangeError('too much'), { code: 'ERR_MUCH', limit: 7, unsendable: () => {} });
  });
  expect(thrown).toMatchObject({ status: 1, signal: null, value: undefined });
  expect(thrown.error).toBeInstanceOf(RangeError);
  expect(thrown.error).toMatchObject({ name: 'RangeError', message: 'too much', code: 'ERR_MUCH', limit: 7 });
  expect((thrown.error as Error).stack).toContain('fork-sync.test.ts');
  const several = forkSync(() => {
    throw new AggregateError([new Error('one'), new TypeError('two')], 'several', { cause: 'a cause' });
  });
  expect(several.error).toMatchObject({
    name: 'AggregateError',
    cause: 'a cause',
    errors: [new Error('one'), new TypeError('two')],
  });
  expect(forkSync(() => expect(1).toBe(2)).error).toMatchObject({ name: 'AssertionError' });
  const { error } = forkSync(() => {
    throw 'a text';
  });
  expect(error).toBe('a text');
});

test('A value that cannot be copied, and a promise, are errors of the child.', () => {
  expect(forkSync(() => () => {})).toMatchObject({ status: 1, value: undefined, error: { name: 'Error' } });
  const { error } = forkSync(async () => 1);
  expect(error).toMatchObject({ name: 'TypeError', code: 'ERR_PREFORK_INVALID_ARG_TYPE' });
  expect((error as Error).message).toContain('cannot wait for');
});

test('process.exit(), a signal and _exit() end the child, and nothing else.', () => {
  expect(forkSync(() => process.exit(7))).toMatchObject({ status: 7, signal: null, value: undefined });
  expect(forkSync(() => process.exit())).toMatchObject({ status: 0, error: undefined });
  expect(forkSync(() => _exit(9))).toMatchObject({ status: 9 });
  expect(
    forkSync(() => {
      process.exitCode = 5;
    }),
  ).toMatchObject({ status: 5 });
  expect(forkSync(() => process.kill(process.pid, 'SIGKILL'))).toMatchObject({
    status: null,
    signal: 'SIGKILL',
  });
});

describe('What the child prints', () => {
  const print = () => {
    console.log('%s %d', 'logged', 1);
    process.stdout.write('written');
    console.error('warned');
  };

  test('is in the result.', () => {
    const piped = forkSync(print);
    expect([piped.stdout, piped.stderr]).toEqual(['logged 1\nwritten', 'warned\n']);
  });

  test('is in the result, however much it is.', () => {
    const { stdout, value } = forkSync(() => {
      console.log('x'.repeat(3_000_000));
      return 'y'.repeat(2_000_000);
    });
    expect([stdout.length, value?.length]).toEqual([3_000_001, 2_000_000]);
  });

  test('is nowhere, if it is to be ignored.', () => {
    expect(forkSync(print, { stdio: 'ignore' })).toEqual({
      ...ended,
      pid: expect.any(Number),
      value: undefined,
    });
  });

  test('goes where that of this process goes, if it is inherited.', async () => {
    const { stdout, stderr } = await run('fork/fork-sync.js', { args: ['inherit'] });
    expect({ stdout, stderr }).toEqual({ stdout: 'from the child\nparent ""\n', stderr: '' });
  });
});

test('When its time is over it is killed, at once.', () => {
  const before = performance.now();
  const { status, signal, error } = forkSync(
    () => {
      for (;;);
    },
    { timeout: 50 },
  );
  expect({ status, signal }).toEqual({ status: null, signal: 'SIGKILL' });
  expect(error).toMatchObject({ code: 'ERR_PREFORK_TIMEOUT' });
  expect(performance.now() - before).toBeGreaterThanOrEqual(50);
  expect(forkSync(() => 1, { timeout: 60_000 })).toMatchObject({ ...ended, value: 1 });
});

test('Signal listeners run while it waits; one that throws ends the child and comes out.', async () => {
  expect(await run('fork/fork-sync.js', { args: ['signals'] })).toMatchObject({
    status: 0,
    stdout: 'heard\nreturned\nthrown by a listener, and no child is left\n',
    stderr: '',
  });
});

test("Listeners of 'exit' are the parent's to call.", async () => {
  expect(await run('fork/fork-sync.js', { args: ['exit'] })).toMatchObject({
    status: 0,
    stdout: '7\nexit once\n',
  });
});

test('An answer for which there is no room is an error of the child, which goes on nowhere.', async () => {
  expect(await run('fork/fork-sync.js', { args: ['full'] })).toMatchObject({
    status: 0,
    stdout: '1 undefined EFBIG\n',
    stderr: '',
  });
});

test('Of a child that is killed while it answers, the parent learns the signal.', async () => {
  expect(await run('fork/fork-sync.js', { args: ['cut'] })).toMatchObject({
    status: 0,
    stdout: 'null SIGXFSZ undefined undefined\n',
    stderr: '',
  });
});

test('What the child prints is in the result, and nowhere else, where standard output is closed.', async () => {
  expect(await run('fork/fork-sync.js', { args: ['closed'] })).toMatchObject({
    status: 0,
    stdout: '{"value":7,"stdout":"from the child\\n"}',
  });
});

test('It can be called in a child of its own, and in the child of a fork().', () => {
  expect(forkSync(() => forkSync(() => forkSync(() => 'deep').value).value).value).toBe('deep');
  const pid = fork();
  if (pid === 0) _exit(forkSync(() => 3).value === 3 ? 4 : 5);
  expect(waitpid(pid)).toEqual([pid, 4 << 8]);
});

test('Nothing is left behind: no descriptor, no file.', () => {
  const folder = mkdtempSync(join(tmpdir(), 'prefork-test-'));
  onTestFinished(() => rmSync(folder, { recursive: true }));
  const { TMPDIR } = process.env as { TMPDIR?: string };
  process.env['TMPDIR'] = folder;
  onTestFinished(() => {
    if (TMPDIR === undefined) Reflect.deleteProperty(process.env, 'TMPDIR');
    else process.env['TMPDIR'] = TMPDIR;
  });
  const count = () => readdirSync('/proc/self/fd').length;
  const before = count();
  for (const stdio of ['pipe', 'ignore', 'inherit'] as const) forkSync(() => existsSync('/'), { stdio });
  expect(() => forkSync(() => {}, { timeout: 0 })).toThrow('from 1 to');
  expect(count()).toBe(before);
  expect(readdirSync(folder)).toEqual([]);
});

test.each([
  [42, {}, 'a function for work'],
  [() => {}, 7, 'an object for options'],
  [() => {}, { timeout: '1' }, 'an integer for options.timeout'],
  [() => {}, { timeout: 0 }, 'from 1 to'],
  [() => {}, { stdio: 'pipes' }, "'pipe', 'inherit' or 'ignore' for options.stdio"],
])('forkSync(%s, %j) is refused.', (work, options, message) => {
  expect(() => forkSync(work as never, options as never)).toThrow(message);
});
