/** What a worker thread is about to bind or connect is not taken from it by its copy in a child, nor from the copy. */
import { expect, test } from 'vitest';
import { run } from '../helpers/run';

test('Worker threads listen and connect while the process forks, and no call fails in parent or child.', async () => {
  expect(await run('fork/new-sockets.js', { args: ['20'], deadman: 120_000 })).toEqual({
    status: 0,
    signal: null,
    stdout: '20\n',
    stderr: '',
  });
});
