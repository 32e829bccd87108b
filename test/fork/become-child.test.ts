import { mkdtempSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { Program, run } from '../helpers/run';

/** The values that were drawn more than once, by a parent and its children, each line with its source. */
async function repeated(children: number, sources: RegExp): Promise<string[]> {
  const { stdout, ...end } = await run('fork/draws.js', { args: [`${children}`] });
  expect(end).toEqual({ status: 0, signal: null, stderr: '' });
  const lines = stdout.trimEnd().split('\n');
  expect(lines.length).toBe((children + 2) * (8 * 3 + 1));
  const seen = new Set<string>();
  return lines.filter((line) => sources.test(line) && seen.size === seen.add(line).size);
}

test('No two processes of a family draw the same random value, from any source.', async () => {
  expect(await repeated(50, /^(crypto|webcrypto|Math.random:)/)).toEqual([]);
});

test('Nor in other vm contexts, old and new ones.', async () => {
  expect(await repeated(3, /^Math.random of/)).toEqual([]);
});

const ok = { status: 0, signal: null, stdout: 'ok\n' };

test('The child has its own pid wherever Node shows it, and its own title.', async () => {
  expect(await run('fork/become-child.js', { args: ['pid'] })).toEqual({ ...ok, stderr: '' });
});

test("The parent's child processes are not the child's: no events, no signals; the parent keeps them.", async () => {
  expect(await run('fork/become-child.js', { args: ['child processes'] })).toEqual({ ...ok, stderr: '' });
});

test('The IPC channel stays with the original; the child has none, hears of none, and ends.', async () => {
  expect(await run('fork/become-child.js', { args: ['channel'] })).toEqual({ ...ok, stderr: '' });
});

test('The child has no inspector, or one on its own port; the parent keeps its own.', async () => {
  expect(await run('fork/become-child.js', { args: ['inspector'] })).toMatchObject(ok);
});

test.each(['undefined', 'null', 'false', "'text'", '{}', '{ stop: true }'])(
  'What a program has put in place of esbuild is left alone: %s.',
  async (stub) => {
    expect(await run('fork/esbuild-stub.js', { args: [stub] })).toEqual({ ...ok, stderr: '' });
  },
);

test.skipIf(process.getuid?.() !== 0)('A child that gives up root does so in all its threads.', async () => {
  expect(await run('fork/become-child.js', { args: ['credentials'] })).toEqual({ ...ok, stderr: '' });
});

test.skipIf(process.getuid?.() !== 0)('So it does by calls that were imported by name.', async () => {
  expect(await run('fork/imported-credentials.mjs')).toEqual({ ...ok, stderr: '' });
});

test("Nor are those child processes the child's which the program has unref()ed.", async () => {
  expect(await run('fork/unreferenced-children.js')).toEqual({ ...ok, stderr: '' });
});

test('A pipe of pipe() stays shared, also while another thread forks.', async () => {
  const result = await run('fork/shared-pipe-race.js', { args: ['100'] });
  expect(result).toEqual({ status: 0, signal: null, stdout: '0\n', stderr: '' });
});

test('Where the package has been loaded twice, what the child starts is its own.', async () => {
  expect(await run('fork/loaded-twice.js')).toEqual({ ...ok, stderr: '' });
});

test('Thousands of descriptors for one file are no burden.', async () => {
  expect(await run('fork/many-files.js')).toEqual({ ...ok, stderr: '' });
});

/** Each thing that V8 learns takes a child up to a tenth of the time to its first line: its page faults. */
test('A child comes to its first line without anything that V8 has to learn: the parent has rehearsed it.', async () => {
  const log = join(mkdtempSync(join(tmpdir(), 'prefork-test-')), 'v8.log');
  const flags = ['--log-ic', '--no-logfile-per-isolate', `--logfile=${log}`];
  const program = join(__dirname, '..', 'fixtures', 'fork', 'learns.js');
  const { result } = new Program(process.execPath, [...flags, program, log]);
  expect(await result).toEqual({ status: 0, signal: null, stdout: '0\n0\n0\n', stderr: '' });
});
