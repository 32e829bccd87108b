import { expect, test } from 'vitest';
import { start } from './helpers/run';

const privateMemory = async (how: string) => Number(await start('warmup.js', { args: [how] }).line());

test('After warmup() a full collection in a child makes less memory its own, also by the option of forkProcesses().', async () => {
  const cold = await privateMemory('cold');
  expect(await privateMemory('warm')).toBeLessThan(0.9 * cold);
  expect(await privateMemory('forkProcesses')).toBeLessThan(0.9 * cold);
});
