/** No value is drawn twice in a family of processes, from any source. */
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, onTestFinished, test } from 'vitest';
import { Program, run } from '../helpers/run';

const DEADMAN = 290_000;
const preload = (name: string) => ({
  NODE_OPTIONS: `--require=${join(__dirname, '../fixtures/fork/random', name)}`,
});
const NO_INSPECTOR = preload('no-inspector.js');
/** Math.random is replaced in children, as it is where V8's state cannot be found. */
const NO_SURVEY = preload('no-survey.js');

/** The lines of "source value" that a program prints. */
async function drawn(name: string, args: string[]): Promise<string[]> {
  const { stdout, ...end } = await run(name, { args, deadman: DEADMAN });
  expect(end).toEqual({ status: 0, signal: null, stderr: '' });
  return stdout.trimEnd().split('\n');
}

/** What a family of processes wrote to a file: more lines than a pipe of the test holds. */
async function drawnByFamily(
  children: number,
  env: Record<string, string> = {},
  ...more: string[]
): Promise<string[]> {
  const folder = mkdtempSync(join(tmpdir(), 'prefork-random-'));
  onTestFinished(() => rmSync(folder, { recursive: true }));
  const file = join(folder, 'drawn');
  const args = [file, String(children), ...more];
  const end = await run('fork/random/family.mjs', { args, env, deadman: DEADMAN });
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
  const [everywhere, inChildrenOnly] = [21, 2];
  expect(lines.length).toBe(everywhere * (3 + 10 + 1 + 1000 + 50 + 50) + inChildrenOnly * (1000 + 50));
  expect(duplicates(lines)).toEqual([]);
});

test('A child finds the caches of node:crypto and need not draw them empty.', async () => {
  const result = await run('fork/random/caches.js');
  expect(result).toEqual({ status: 0, signal: null, stdout: '6144\n2048\n', stderr: '' });
});

test('Where there is no inspector, the caches are drawn empty.', async () => {
  const result = await run('fork/random/caches.js', { env: NO_INSPECTOR });
  expect(result).toEqual({ status: 0, signal: null, stdout: '', stderr: '' });
  const lines = await drawnByFamily(100, NO_INSPECTOR);
  expect(duplicates(lines)).toEqual([]);
});

test('A worker thread that has loaded the package draws other values in each child, a new one anyway.', async () => {
  const lines = await drawn('fork/random/worker.js', ['50', 'loads']);
  expect(lines.length).toBe(4 * (1 + 50 * 2 + 1));
  expect(duplicates(lines)).toEqual([]);
});

// docs/randomness.md, "Not renewed".
test('A worker thread that has not loaded it repeats only what node:crypto has in store.', async () => {
  const lines = await drawn('fork/random/worker.js', ['20']);
  expect(repeating(lines)).toEqual(['crypto.randomInt', 'crypto.randomUUID']);
});

test.each(['older', 'newer'])(
  'A worker thread that is %s than the package forks: the main thread draws other values in the child at once.',
  async (age) => {
    const lines = await drawn('fork/random/elsewhere.js', [age]);
    expect(lines.length).toBe(2 * 3);
    expect(duplicates(lines)).toEqual([]);
  },
);

test('node:crypto is loaded neither with the package nor by a fork.', async () => {
  const result = await run('fork/random/without-crypto.js');
  expect(result).toEqual({ status: 0, signal: null, stdout: '[false,false,false]\n', stderr: '' });
});

test('Math.random in a child is the same function as before.', async () => {
  const result = await run('fork/random/same-function.js');
  expect(result).toEqual({ status: 0, signal: null, stdout: '0\n', stderr: '' });
});

test('--random-seed makes contexts alike, but not processes.', async () => {
  const args = ['--random-seed=42', join(__dirname, '../fixtures/fork/random/seeded.js'), '50'];
  const { stdout, ...end } = await new Program(process.execPath, args).result;
  expect(end).toEqual({ status: 0, signal: null, stderr: '' });
  const lines = stdout.trimEnd().split('\n');
  expect(lines.length).toBe(2 * 51);
  const [first, second, ...children] = lines;
  expect(duplicates([first ?? '', second ?? ''])).toEqual([second]);
  expect(duplicates([first ?? '', ...children])).toEqual([]);
});

test('A frozen Math is none of its business.', async () => {
  const result = await run('fork/random/frozen.js');
  expect(result).toEqual({ status: 0, signal: null, stdout: 'another\n', stderr: '' });
});

test('Where the state cannot be found, Math.random is replaced.', async () => {
  const lines = await drawnByFamily(100, NO_SURVEY, 'replaced');
  expect(duplicates(lines)).toEqual([]);
  const { stdout, ...end } = await run('fork/random/same-function.js', { env: NO_SURVEY });
  expect({ stdout, ...end }).toEqual({ status: 0, signal: null, stdout: '256\n', stderr: '' });
});

test('Where it is to be replaced, a program that has frozen Math is warned, and can fork.', async () => {
  const { stderr, ...end } = await run('fork/random/frozen.js', { env: NO_SURVEY });
  expect(end).toEqual({ status: 0, signal: null, stdout: 'the same\n' });
  expect(stderr).toContain('[PREFORK_FROZEN_MATH] Warning: Math is frozen');
});
