import { expect, test } from 'vitest';
import { run } from '../helpers/run';

test('Everything is written to a full pipe that does not block, once somebody reads it.', async () => {
  const { stdout, ...end } = await run('base/full-pipe.js');
  expect(end).toEqual({ status: 0, signal: null, stderr: '' });
  expect(Number(stdout)).toBeGreaterThanOrEqual(500_000);
});

test('What cannot be written is an error, but not on stderr.', async () => {
  expect(await run('base/closed.js')).toEqual({ status: 0, signal: null, stdout: 'EBADF\n', stderr: '' });
});
