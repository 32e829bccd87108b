/** forkQuietly(): of the program one function goes on in the child, and the child goes nowhere else, whatever happens. */
import { expect, test } from 'vitest';
import { run } from '../helpers/run';

test('One function is called in the child, and of the program nothing else.', async () => {
  expect(await run('fork/quiet-child.js', { args: ['quiet'] })).toEqual({
    status: 0,
    signal: null,
    stdout: 'in the child\nafter a timer\nparent: status 7\n',
    stderr: '',
  });
});

test('What the function throws ends the child.', async () => {
  const { status, stdout, stderr } = await run('fork/quiet-child.js', { args: ['throws'] });
  expect({ status, stdout }).toEqual({ status: 0, stdout: 'parent: status 1\n' });
  expect(stderr).toMatch(/^Error: thrown in the child\n/);
});

test('Nobody is forked for who does not want it any more.', async () => {
  const { status, stdout, stderr } = await run('fork/quiet-child.js', { args: ['unwanted'] });
  expect({ status, stdout, stderr }).toEqual({ status: 0, stdout: 'parent: no child\n', stderr: '' });
});

test('A worker thread is refused.', async () => {
  const { status, stdout, stderr } = await run('fork/quiet-child.js', { args: ['worker'] });
  expect({ status, stdout, stderr }).toEqual({ status: 0, stdout: 'ERR_PREFORK_UNSUPPORTED\n', stderr: '' });
});

test.each([
  ['exits', 5],
  ['exitsAtOnce', 6],
])('A program may exit while one is being forked (%s).', async (how, status) => {
  expect(await run('fork/quiet-child.js', { args: [how] })).toEqual({
    status,
    signal: null,
    stdout: '',
    stderr: '',
  });
});
