/** No value is drawn twice in a family of processes, from any source. */
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, onTestFinished, test } from 'vitest';
import { run } from './helpers/run';

const DEADMAN = 290_000;
const NO_INSPECTOR = { NODE_OPTIONS: `--require=${join(__dirname, 'fixtures/random/no-inspector.js')}` };

/** The lines of "source value" that a program prints. */
async function drawn(name: string, args: string[]): Promise<string[]> {
  const { stdout, ...end } = await run(name, { args, deadman: DEADMAN });
  expect(end).toEqual({ status: 0, signal: null, stderr: '' });
  return stdout.trimEnd().split('\n');
}

/** What a family of processes wrote to a file: more lines than a pipe of the test holds. */
async function drawnByFamily(children: number, env: Record<string, string> = {}): Promise<string[]> {
  const folder = mkdtempSync(join(tmpdir(), 'prefork-random-'));
  onTestFinished(() => rmSync(folder, { recursive: true }));
  const file = join(folder, 'drawn');
  const args = [file, String(children)];
  const end = await run('random/family.mjs', { args, env, deadman: DEADMAN });
  expect(end).toEqual({ status: 0, signal: null, stdout: '', stderr: '' });
  return readFileSync(file, 'utf8').trimEnd().split('\n');
}

/** Those values that are there twice; of which source it was does not matter. */
function duplicates(lines: string[]): string[] {
  const seen = new Set<string>();
  return lines.filter((line) => seen.size === seen.add(line.slice(line.indexOf(': '))).size);
}

/** Sources from which values were drawn twice. */
function repeating(lines: string[]): string[] {
  return [...new Set(duplicates(lines).map((line) => line.slice(0, line.indexOf(': '))))].sort();
}

test('1,000 children, their parent and 50 grandchildren draw no value twice, from any source.', {
  timeout: 300_000,
}, async () => {
  const lines = await drawnByFamily(1000);
  const [everywhere, inChildrenOnly] = [17, 1];
  expect(lines.length).toBe(everywhere * (3 + 10 + 1 + 1000 + 50 + 50) + inChildrenOnly * (1000 + 50));
  expect(duplicates(lines)).toEqual([]);
});

test('A child finds the caches of node:crypto and need not draw them empty.', async () => {
  const result = await run('random/caches.js');
  expect(result).toEqual({ status: 0, signal: null, stdout: '6144\n2048\n', stderr: '' });
});

test('Where there is no inspector, the caches are drawn empty.', async () => {
  const result = await run('random/caches.js', { env: NO_INSPECTOR });
  expect(result).toEqual({ status: 0, signal: null, stdout: '', stderr: '' });
  const lines = await drawnByFamily(100, NO_INSPECTOR);
  expect(duplicates(lines)).toEqual([]);
});

test('A worker thread that has loaded the package draws other values in each child, a new one anyway.', async () => {
  const lines = await drawn('random/worker.js', ['50', 'loads']);
  expect(lines.length).toBe(4 * (1 + 50 * 2 + 1));
  expect(duplicates(lines)).toEqual([]);
});

// docs/randomness.md, "Worker threads".
test('A worker thread that has not loaded it draws the same in each child, but for randomBytes.', async () => {
  const lines = await drawn('random/worker.js', ['5']);
  expect(repeating(lines)).toEqual(['Math.random', 'crypto.randomInt', 'crypto.randomUUID']);
});

test('A program that has frozen Math is warned, and can fork.', async () => {
  const { stderr, ...end } = await run('random/frozen.js');
  expect(end).toEqual({ status: 0, signal: null, stdout: '42\n' });
  expect(stderr).toContain('[PREFORK_FROZEN_MATH] Warning: Math is frozen');
});
