/** Packages that make ids, and what docs/randomness.md says about each. */
import { expect, test } from 'vitest';
import { run } from '../helpers/run';

const CHILDREN = 200;

/** The kinds of ids of which some were made twice in a family of processes. */
async function repeating(name: string, ...recipe: string[]): Promise<string[]> {
  const args = [name, String(CHILDREN), ...recipe];
  const { stdout, ...end } = await run('fork/ids/family.mjs', { args, deadman: 110_000 });
  expect(end).toEqual({ status: 0, signal: null, stderr: '' });
  const lines = stdout.trimEnd().split('\n');
  expect(lines.length).toBeGreaterThanOrEqual(2 * (CHILDREN + 2));
  const seen = new Set<string>();
  const twice = lines.filter((line) => seen.size === seen.add(line).size);
  return [...new Set(twice.map((line) => line.slice(0, line.indexOf(': '))))].sort();
}

test.each([
  ['cuid2', []],
  ['uuid', ['v1']],
  ['nanoid', ['nanoid']],
  ['ulid', ['monotonic']],
  ['bson', ['ObjectId']],
  ['held', []],
])('%s: left alone, 200 children and their parent repeat %j.', async (name, kinds) => {
  expect(await repeating(name)).toEqual(kinds);
});

test.each(['uuid', 'nanoid', 'ulid', 'bson'])(
  '%s: with the recipe of docs/randomness.md, nothing is repeated.',
  async (name) => {
    expect(await repeating(name, 'recipe')).toEqual([]);
  },
);
