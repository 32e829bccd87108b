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

/** The log, in JSON, of `prefork` with three workers and this program, which has to serve, from its start to its end. */
async function logOf(program: string): Promise<string> {
  const serves =
    "require('node:http').createServer((_, response) => response.end('served')).listen(0, '127.0.0.1')";
  const files = { 'app.js': `${program}\n${serves};` };
  const options = ['--workers', '3', '--log-format', 'json'];
  const served = await serve(['app.js', ...options], { files, until: /workers_ready/ });
  expect(await served.ask()).toBe('served');
  expect(await served.stop()).toBe('status 0');
  return served.log;
}

/** Of one event of a log in JSON. */
function messagesOf(event: string, log: string): string[] {
  const lines = log.trimEnd().split('\n');
  const entries = lines.map((line) => JSON.parse(line) as { event: string; message: string });
  return entries.filter((entry) => entry.event === event).map(({ message }) => message);
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
  const log = await logOf(`
    require(${JSON.stringify(ROOT)}).registerAtFork({ afterInParent() { throw new Error('oops'); } });`);
  expect(messagesOf('hook_failed', log)).toEqual(Array(3).fill(expect.stringContaining('Error: oops')));
  expect(messagesOf('worker_crashed', log)).toEqual([]);
});

test('So it is with what a subscriber of prefork:fork throws: each error is logged, and no worker inherits it.', async () => {
  const log = await logOf(`
    require(${JSON.stringify(ROOT)});
    require('node:diagnostics_channel').subscribe('prefork:fork', ({ pid }) => {
      if (pid !== 0) throw new Error('oops');
    });`);
  const thrown = expect.stringMatching(/^A subscriber of prefork:fork threw: Error: oops/);
  expect(messagesOf('hook_failed', log)).toEqual(Array(3).fill(thrown));
  expect(messagesOf('worker_crashed', log)).toEqual([]);
});

test('The parent of forkProcesses logs it, too; in a child, and after fork(), it is an uncaught exception.', async () => {
  const throws = `
    const { fork, forkProcesses, waitpid } = require('prefork');
    const { subscribe } = require('node:diagnostics_channel');
    subscribe('prefork:fork', ({ pid }) => { throw new Error(pid === 0 ? 'of child' : 'of parent'); });`;
  const started = await runStdin(`${throws}
    process.on('uncaughtException', () => process.exit(0));
    forkProcesses(1);`);
  expect(started.status).toBe(0);
  expect(started.stderr).toMatch(/^Exception in prefork:fork\nError: of parent\n {4}at /);
  const forked = await runStdin(`${throws}
    const pid = fork();
    process.on('uncaughtException', ({ message }) => {
      if (pid !== 0) waitpid(pid);
      console.log(message);
    });`);
  expect(forked.stdout).toBe('of child\nof parent\n');
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
