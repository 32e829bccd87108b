/** A thousand processes of multiprocessing, and four thousand locks, values, queues and pipes: nothing is left of them. */
import { expect, test } from 'vitest';
import { start } from '../helpers/run';

const PROCESSES = Number(process.env['PROCESSES'] ?? 1000);

test('Each process ends as it should, and no descriptor or mapping is left.', async () => {
  const args = [String(PROCESSES), String(4 * PROCESSES)];
  const deadman = 120_000 + PROCESSES * 300;
  const { status, stdout, stderr } = await start('multiprocessing/many.js', { args, deadman }).result;
  expect({ status, stdout }, stderr).toEqual({ status: 0, stdout: 'nothing is left\n' });
});
