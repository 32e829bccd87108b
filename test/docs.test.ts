/** Every row of the first table in docs/fork-safety.md is shown by a test that exists. */
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';

const PAGE = readFileSync(join(__dirname, '../docs/fork-safety.md'), 'utf8');
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

function sourcesOf(file: string): string {
  const path = [file, `fork-${file.toLowerCase()}`]
    .map((name) => join(__dirname, `${name}.test.ts`))
    .find(existsSync);
  if (path === undefined) throw new Error(`no test file for ${file}`);
  const cases = (CASES[file] ?? []).map((name) => join(__dirname, 'fixtures', name));
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
