/** Every row of the first table in docs/fork-safety.md is shown by a test that exists; the README's figures are measured ones. */
import { spawnSync } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';

const PAGE = readFileSync(join(__dirname, '../../docs/fork-safety.md'), 'utf8');
const [TABLE = ''] = /^\| what .*(\n\|.*)+/m.exec(PAGE) ?? [];

/** Where the cases of a test file are that are not written in the file itself. */
const CASES: Record<string, string[]> = {
  state: ['fork/state.js'],
  libuv: ['fork/libuv.js'],
  CPython: ['fork/cpython.js'],
  fork: ['engine', 'files', 'network', 'threads'].map((theme) => `fork/deeds/${theme}.js`),
};

const rows = TABLE.split('\n')
  .filter((line) => line.startsWith('| ') && !/^\| (what|-+|\*\*)/.test(line))
  .map((line) => line.split('|').map((cell) => cell.trim()))
  .map(([, what = '', , , tests = '']): [string, string] => [what, tests]);

const TEST = join(__dirname, '..');

function sourcesOf(file: string): string {
  const path = ['fork', 'native']
    .map((room) => join(TEST, room, `${file.toLowerCase()}.test.ts`))
    .find(existsSync);
  if (path === undefined) throw new Error(`no test file for ${file}`);
  const cases = (CASES[file] ?? []).map((name) => join(TEST, 'fixtures', name));
  return [path, ...cases].map((name) => readFileSync(name, 'utf8')).join('\n');
}

test('The table has rows.', () => {
  expect(rows.length).toBeGreaterThan(40);
});

test.each(rows)('docs/fork-safety.md, "%s": %s.', (_, tests) => {
  for (const one of tests.split('; ')) {
    const [file = '', words = ''] = one.split(': ');
    expect(sourcesOf(file)).toContain(words);
  }
});

test('The README leads with figures, and they are those of docs/benchmarks.md.', () => {
  const README = readFileSync(join(__dirname, '../../README.md'), 'utf8');
  const [, table = ''] = /<!-- begin figures -->([\s\S]*?)<!-- end figures -->/.exec(README) ?? [];
  const rows = table.split('\n').filter((line) => /^\| \w.*\d/.test(line));
  expect(rows).toHaveLength(5);
  const { status, stderr } = spawnSync(process.execPath, [
    join(__dirname, '../../tools/docs/figures.mjs'),
    '--check',
  ]);
  expect({ status, stderr: String(stderr) }).toEqual({ status: 0, stderr: '' });
});
