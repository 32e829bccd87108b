import { expect, test } from 'vitest';
import { start } from './helpers/run';

async function privateMemories(): Promise<{ cold: number; warm: number; byOption: number }> {
  const direct = start('warmup.js');
  const cold = Number(await direct.line());
  const warm = Number(await direct.line());
  const option = start('warmup.js', { args: ['forkProcesses'] });
  return { cold, warm, byOption: Number(await option.line()) };
}

test('After warmup() a full collection in a child makes much less memory its own, also by the option of forkProcesses().', async () => {
  const { cold, warm, byOption } = await privateMemories();
  expect(warm).toBeLessThan(0.8 * cold);
  expect(byOption).toBeLessThan(0.8 * cold);
});
