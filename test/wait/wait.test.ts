import { expect, test } from 'vitest';
import * as os from '../../lib/os';
import { compile } from '../helpers/compile';
import { type Program, type Result, start as startFixture } from '../helpers/run';
import { testIntegers } from './integers';

const env = { PLAIN_CHILD_LIBRARY: compile('wait/plain_child.c', ['-shared', '-fPIC']) };

const start = (name: string, args: string[] = []): Program => startFixture(`wait/${name}`, { env, args });

/** What a program must print, one line for each `print`, and how it must end. */
function printed(...lines: unknown[][]): Result {
  const stdout = lines.map((line) => `${JSON.stringify(line)}\n`).join('');
  return { status: 0, signal: null, stdout, stderr: '' };
}

async function printsLine(program: Program, ...values: unknown[]): Promise<void> {
  expect(JSON.parse(await program.line())).toEqual(values);
}

test.each(['waitpid', 'wait'])('Listeners run while %s blocks, and the wait goes on.', async (call) => {
  const program = start('signals.js', [call]);
  await printsLine(program, 'ready');
  for (const count of [1, 2, 3]) {
    program.kill('SIGTERM');
    await printsLine(program, 'listener', count, 'SIGTERM', 15);
  }
  expect(await program.result).toMatchObject({ status: 0, stderr: '' });
  expect((await program.result).stdout).toContain('["waited",true,7]');
});

test('A signal that came before the wait runs its listener in the wait.', async () => {
  expect(await start('early-signal.js').result).toEqual(printed(['listener'], ['waited', 7]));
});

test('A storm of signals neither hangs the wait nor ends it.', async () => {
  const program = start('storm.js');
  await printsLine(program, 'ready');
  for (let i = 0; i < 500; i++) {
    program.kill('SIGTERM');
    program.kill('SIGUSR2');
  }
  program.kill('SIGINT');
  expect(await program.result).toEqual(printed(['ready'], ['waited', 7, true, true]));
});

test('Every signal runs its listeners in the wait, once, under each of its names.', async () => {
  expect(await start('every-signal.js').result).toEqual(printed(['missing']));
});

test('What a listener throws ends the wait; neither the child nor another signal is lost.', async () => {
  const { stdout, ...end } = await start('throwing-listener.js').result;
  expect(end).toEqual({ status: 0, signal: null, stderr: '' });
  expect(stdout.trimEnd().split('\n').sort()).toEqual(['["SIGTERM listener"]', '["enough"]', '[7]']);
});

test('A listener can end the process.', async () => {
  const program = start('exiting-listener.js');
  await printsLine(program, 'ready');
  program.kill('SIGTERM');
  expect(await program.result).toEqual({ ...printed(['ready'], ['exit', 3]), status: 3 });
});

test('A listener can wait, with listeners that run in that wait.', async () => {
  expect(await start('nested.js').result).toEqual(printed(['innermost'], ['inner', 2], ['outer', 1]));
});

test('With SIGCHLD ignored the wait ends when the last child is gone, and SIGCHLD stays ignored.', async () => {
  const program = start('ignored-sigchld.js');
  await printsLine(program, 'ignored', true);
  await printsLine(program, 'ready');
  program.kill('SIGTERM');
  await printsLine(program, 'turn', 1);
  program.kill('SIGTERM');
  await printsLine(program, 'turn', 2);
  await printsLine(program, 'ECHILD', 2);
  await printsLine(program, 'ignored', true);
  expect(await program.result).toMatchObject({ status: 0, stderr: '' });
});

test.each(['', 'ignored'])(
  'A listener can start a child_process, which gets its exit event. (SIGCHLD %s)',
  async (how) => {
    const program = start('spawning-listener.js', [how]);
    await printsLine(program, 'ready');
    program.kill('SIGTERM');
    await printsLine(program, 'spawned');
    program.kill('SIGTERM');
    await printsLine(program, 'waited', true);
    await printsLine(program, 'exit event', null, 'SIGTERM');
    expect(await program.result).toMatchObject({ status: 0, stderr: '' });
  },
);

test('wait() leaves the children of child_process alone, and they get their exit events.', async () => {
  expect(await start('child-process.js').result).toEqual(
    printed(['ECHILD', 'ECHILD'], [[0, 0]], ['waited', true], ['ECHILD'], ['exit events', [1, 2, 3]]),
  );
});

test('Stopped and continued children are reported when asked for.', async () => {
  expect(await start('stopped.js').result).toEqual(
    printed(['stopped', true, 19], [[0, 0]], ['continued', true], ['killed', true, 9, -9]),
  );
});

// CPython Lib/test/fork_wait.py, test_wait3.py, test_wait4.py.
test('Each of a hundred children is reaped once, with its own status; then there is none.', async () => {
  expect(await start('many.js').result).toEqual(printed(['ECHILD', 'ECHILD', 'ECHILD']));
});

test('waitpidAsync keeps the loop turning and alive; it can be aborted; only one waiter gets the child.', async () => {
  expect(await start('async.js').result).toEqual(
    printed(
      ['turned', 1],
      [true],
      ['ECHILD'],
      [['AbortError', 'ABORT_ERR', 'why not']],
      ['ABORT_ERR'],
      [[-15, 'ECHILD']],
    ),
  );
});

test('What is forgotten (in a forked child) never settles and keeps nothing alive.', async () => {
  expect(await start('forgotten.js').result).toEqual(printed(['waited', 0]));
});

test('A worker finds the forked children of other threads only, and can be terminated while it waits.', async () => {
  const { stdout, ...end } = await start('worker.js').result;
  expect(end).toEqual({ status: 0, signal: null, stderr: '' });
  const lines = stdout.trimEnd().split('\n');
  expect(lines.filter((line) => line !== '["listener in the main thread"]')).toEqual([
    '["waits for any"]',
    '["found 7"]',
    '["ECHILD"]',
    '["waits endlessly"]',
    '["terminated",8]',
  ]);
  expect(lines).toContain('["listener in the main thread"]');
});

test('The process can exit while workers wait.', async () => {
  expect(await start('worker-exit.js').result).toEqual({ ...printed(), status: 4 });
});

testIntegers([
  ['waitpid', (value) => os.waitpid(value), [2 ** 31, -(2 ** 31) - 1]],
  ['waitpid', (value) => os.waitpid(1, value), [2 ** 31]],
]);

test('Wrong options and pids are refused, too.', async () => {
  expect(() => os.waitpid(-1, 0x40)).toThrow(expect.objectContaining({ code: 'EINVAL', syscall: 'waitpid' }));
  await expect(os.waitpidAsync(0)).rejects.toMatchObject({ code: 'ERR_PREFORK_OUT_OF_RANGE' });
  for (const options of [null, 1, { signal: { aborted: false } }]) {
    await expect(os.waitpidAsync(1, options as never)).rejects.toMatchObject({
      name: 'TypeError',
      code: 'ERR_PREFORK_INVALID_ARG_TYPE',
    });
  }
  await expect(os.waitpidAsync(1, { signal: {} as AbortSignal })).rejects.toMatchObject({
    code: 'ERR_PREFORK_INVALID_ARG_TYPE',
  });
  await expect(os.waitpidAsync(1)).rejects.toMatchObject({ code: 'ECHILD', syscall: 'waitpid' });
});
