import { expect, test } from 'vitest';
import { run } from '../helpers/run';

const ARGUMENTS = ['ERR_PREFORK_OUT_OF_RANGE', 'ERR_PREFORK_INVALID_ARG_TYPE'];

test.each([
  ['waits for what is in flight', ['done true', '7']],
  ['forks at once', ['7']],
  ['gives up at the deadline', ['ERR_PREFORK_BUSY']],
  ['gives up when aborted', ['23', '20']],
  ['refuses wrong options', [...ARGUMENTS, ARGUMENTS[1], ARGUMENTS[1], ARGUMENTS[0]]],
])('forkWhenIdle() %s.', async (name, lines) => {
  expect(await run('fork/when-idle.js', { args: [name] })).toEqual({
    status: 0,
    signal: null,
    stdout: `${lines.join('\n')}\n`,
    stderr: '',
  });
});

test('A close that has been carried out is no reason to refuse; its callback is due in both.', async () => {
  const { stdout, ...end } = await run('fork/when-idle.js', { args: ['lets a close pass'] });
  expect(end).toEqual({ status: 0, signal: null, stderr: '' });
  expect(stdout.split('\n').sort()).toEqual(['', '7', 'closed']); // the child left before its callback
});

test('Whatever else is in flight is one.', async () => {
  const { stdout } = await run('fork/when-idle.js', { args: ['lets no other request pass with it'] });
  expect(stdout).toBe('ERR_PREFORK_BUSY\n');
});
