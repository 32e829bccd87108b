import { expect, test } from 'vitest';
import { registerAtFork } from '../../lib/fork/at-fork';
import { run } from '../helpers/run';
import { serve } from '../helpers/served';
import { ROOT, runStdin } from '../helpers/stdin';

/** The lines of the child (those that begin so), and all others, each in order. */
async function printed(name: string): Promise<[child: string[], others: string[]]> {
  const { stdout, ...end } = await run('fork/at-fork.js', { args: [name] });
  expect(end).toEqual({ status: 0, signal: null, stderr: '' });
  const lines = stdout.trimEnd().split('\n');
  const isChild = (line: string) => line.startsWith('child') || line === 'uncaught in child';
  return [lines.filter(isChild), lines.filter((line) => !isChild(line))];
}

const parent = (...names: string[]) => names.map((name) => `parent ${name}`);
const before = (...names: string[]) => names.map((name) => `before ${name}`);
const child = (...names: string[]) => names.map((name) => `child ${name}`);

// CPython Lib/test/test_posix.py, test_register_at_fork.
test('`before` hooks run in reverse order of registration, the others in order, each where it belongs.', async () => {
  expect(await printed('order')).toEqual([
    child('first', 'second', 'third'),
    [...before('third', 'second', 'first'), ...parent('first', 'second', 'third'), 'waited 0'],
  ]);
});

test('Hooks that were taken away do not run; taking them away twice does no harm.', async () => {
  expect(await printed('unregister')).toEqual([
    child('stays'),
    [...before('stays'), ...parent('stays'), 'waited 0'],
  ]);
});

test('What a hook registers counts from the next fork on.', async () => {
  expect(await printed('registers in a hook')).toEqual([
    child('late'),
    ['waited 0', 'again', ...before('late'), ...parent('late'), 'waited 0'],
  ]);
});

test('A `before` that throws cancels the fork; only those that had run hear of it.', async () => {
  expect(await printed('before throws')).toEqual([
    [],
    [...before('third'), ...parent('third'), 'threw no fork', 'ECHILD'],
  ]);
});

test('What the other two throw comes as an uncaught exception; all hooks run, and fork() returns.', async () => {
  expect(await printed('after throws')).toEqual([
    [...child('second'), 'uncaught in child'],
    [...before('second'), ...parent('second'), 'waited 0', 'uncaught in parent'],
  ]);
});

test('The parent of forkProcesses, which has no next tick, logs what `afterInParent` throws.', async () => {
  const result = await runStdin(`
    const { forkProcesses, registerAtFork } = require('prefork');
    registerAtFork({ afterInParent() { throw new Error('oops'); } });
    forkProcesses(1);
    process.exit(0);
  `);
  expect(result.status).toBe(0);
  expect(result.stderr).toMatch(/^Exception in afterInParent\nError: oops\n {4}at /);
});

test('The parent of prefork has none either: it logs the error, and no worker inherits it.', async () => {
  const files = {
    'app.js': `
      const { registerAtFork } = require(${JSON.stringify(ROOT)});
      registerAtFork({ afterInParent() { throw new Error('oops'); } });
      require('node:http').createServer((_, response) => response.end('served')).listen(0, '127.0.0.1');
    `,
  };
  const served = await serve(['app.js', '--workers', '3', '--log-format', 'json'], {
    files,
    until: /workers_ready/,
  });
  expect(await served.ask()).toBe('served');
  expect(await served.stop()).toBe('status 0');
  const events = served.log
    .trimEnd()
    .split('\n')
    .map((line) => JSON.parse(line) as { event: string; message: string });
  const failed = events.filter(({ event }) => event === 'hook_failed');
  expect(failed.map(({ message }) => message)).toEqual(Array(3).fill(expect.stringContaining('Error: oops')));
  expect(events.map(({ event }) => event)).not.toContain('worker_crashed');
});

test('When nothing was forked, `afterInParent` undoes what `before` did.', async () => {
  expect(await printed('busy')).toEqual([[], [...before('first'), ...parent('first'), 'ERR_PREFORK_BUSY']]);
});

test('Forks are announced on the diagnostics channel prefork:fork.', async () => {
  expect(await printed('channel')).toEqual([child('true'), [...parent('true'), 'waited 0']]);
});

test('Hooks in the child find its own state in order.', async () => {
  expect(await printed('same child state')).toEqual([[], ['true true', 'waited 0']]);
});

test.each([undefined, null, 1, { before: 1 }, { afterInParent: 'x' }, { afterInChild: {} }])(
  'registerAtFork refuses %j.',
  (hooks) => {
    const refused = expect.objectContaining({ name: 'TypeError', code: 'ERR_PREFORK_INVALID_ARG_TYPE' });
    expect(() => registerAtFork(hooks as never)).toThrow(refused);
  },
);
