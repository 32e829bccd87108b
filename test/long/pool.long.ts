/** After ten thousand tasks of a pool, of which some have failed in every way, nothing is left of them. */
import { expect, test } from 'vitest';
import { start } from '../helpers/run';

const TASKS = Number(process.env['TASKS'] ?? 10_000);
const GROWTH = 4 * 2 ** 20;

test('No process, descriptor, mapping or memory is left, and each task was answered.', async () => {
  const deadman = 120_000 + TASKS * 300;
  const env = { TASKS: String(TASKS) };
  const { status, stdout, stderr } = await start('parallel/many.js', { env, deadman }).result;
  expect(status, stderr).toBe(0);
  const { wrong, before, after } = JSON.parse(stdout);
  console.log(JSON.stringify({ before, after }));
  expect(wrong).toEqual([]);
  expect(after.descriptors).toBe(before.descriptors);
  expect(after.children).toBe('');
  expect(after.mappings - before.mappings).toBeLessThan(100);
  expect(after.heap - before.heap).toBeLessThan(GROWTH);
  expect(after.memory - before.memory).toBeLessThan(GROWTH);
});
