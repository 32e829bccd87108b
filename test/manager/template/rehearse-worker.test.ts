/** What every worker begins with is compiled in the template, and nothing else comes of that. */
import { expect, test } from 'vitest';
import { get, Managed } from '../../helpers/manager';

const begin = async (warmup: boolean) => {
  const managed = await new Managed('begins.js', { workers: 1, warmup }).started();
  await managed.until('done');
  const answer = await get({ port: managed.port });
  const { entries } = await managed.stop();
  const of = (name: string) => entries.filter(({ event }) => event === name);
  return { compiled: Number(of('serving')[0]?.['compiled']), done: of('done'), answer };
};

// 22,000 bytes to 28,000 without, 7,500 to 9,500 with it.
test('A worker has the code for its beginning from its template, and nothing else of what that has done to have it.', async () => {
  const cold = await begin(false);
  const warm = await begin(true);
  expect(warm.compiled).toBeLessThan(cold.compiled / 2);
  expect(warm.answer).toBe('"hello"');
  // Nor has the template done what one worker does for all.
  const things = cold.done[0]?.['things'];
  expect(warm.done).toEqual([expect.objectContaining({ by: expect.objectContaining({ id: 0 }), things })]);
});
