/** The calls of `prefork/os` that are one system call each. */
import { expect, test } from 'vitest';
import * as os from '../../lib/os';
import { compile } from '../helpers/compile';
import { type Result, run as runFixture } from '../helpers/run';
import { testIntegers } from './integers';

// Children that no part of Node knows of.
const env = { PLAIN_CHILD_LIBRARY: compile('wait/plain_child.c', ['-shared', '-fPIC']) };

const run = (name: string): Promise<Result> => runFixture(`wait/${name}`, { env });

/** What a program must print, one line for each `print`. */
function printed(...lines: unknown[][]): Result {
  const stdout = lines.map((line) => `${JSON.stringify(line)}\n`).join('');
  return { status: 0, signal: null, stdout, stderr: '' };
}

test('A child hears of the end of its parent.', async () => {
  expect(await run('parent-death.js')).toEqual({ ...printed(['orphan']), status: 258 & 0xff });
});

test('alarm() ends the process by SIGALRM, even while it waits.', async () => {
  expect(await run('alarm.js')).toEqual({ ...printed(), status: null, signal: 'SIGALRM' });
});

test('_exit() runs no exit listeners.', async () => {
  expect(await run('exit.js')).toEqual({ ...printed(), status: 5 });
});

test('The plain calls do what their manual pages say.', async () => {
  expect(await run('plain.js')).toEqual(
    printed(
      ['pid', true, true],
      ['alarm', 0, 100, 0],
      ['through the pipe', true],
      ['there', 'back'],
      ['close-on-exec', true, true],
      ['dup2', 70, false, true, true],
      ['EBADF', 'EINVAL', true],
      ['group', -9, 'ESRCH'],
      ['session', 'EPERM'],
    ),
  );
});

testIntegers([
  ['_exit', os._exit, [2 ** 31]],
  ['alarm', os.alarm, [-(2 ** 31) - 1, 2 ** 31]],
  ['dup2', (value) => os.dup2(value, 0), [2 ** 31]],
  ['dup2', (value) => os.dup2(0, value), [2 ** 31]],
  ['setpgid', (value) => os.setpgid(value, 0), [2 ** 31]],
  ['setpgid', (value) => os.setpgid(0, value), [2 ** 31]],
  ['setParentDeathSignal', os.setParentDeathSignal, [-1, 65]],
]);

test('A descriptor below 0 is none.', () => {
  for (const call of [() => os.dup2(-1, 0), () => os.dup2(0, -1)]) {
    expect(call).toThrow(expect.objectContaining({ code: 'EBADF', syscall: 'dup2' }));
  }
});

test('setParentDeathSignal() refuses a name that is no signal.', () => {
  expect(() => os.setParentDeathSignal('SIGNOT' as NodeJS.Signals)).toThrow(
    expect.objectContaining({ name: 'TypeError', code: 'ERR_PREFORK_INVALID_ARG_VALUE' }),
  );
});
