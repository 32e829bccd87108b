/** docs/parallel.md: each program that is followed by what it prints prints that. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { Program } from '../helpers/run';
import { ROOT } from '../helpers/stdin';

const PAGE = readFileSync(join(ROOT, 'docs/parallel.md'), 'utf8');
const PROGRAMS = [...PAGE.matchAll(/^```js\n((?:(?!^```)[\s\S])*)^```\n\n```text\n([\s\S]*?)^```$/gm)].map(
  ([, program = '', printed = '']) => ({ program, printed }),
);

test('There are some.', () => {
  expect(PROGRAMS.length).toBeGreaterThanOrEqual(4);
});

test.each(PROGRAMS)('$program', async ({ program, printed }) => {
  const { result } = new Program(process.execPath, ['--input-type=module', '-e', program], { cwd: ROOT });
  expect(await result).toEqual({ status: 0, signal: null, stdout: printed, stderr: '' });
});
