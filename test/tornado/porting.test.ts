/** The porting guide shows the example as it is. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { ROOT } from '../helpers/stdin';

const read = (...path: string[]) => readFileSync(join(ROOT, ...path), 'utf8');

test.each([
  ['python', 'hello.py'],
  ['js', 'hello.mjs'],
])('docs/porting-from-tornado.md, %s', (language, file) => {
  const [table = ''] = /<table>[\s\S]*<\/table>/.exec(read('docs', 'porting-from-tornado.md')) ?? [];
  const blocks = [...table.matchAll(new RegExp(`\`\`\`${language}\\n([\\s\\S]*?)\`\`\``, 'g'))];
  const shown = blocks.map(([, code]) => code).join('');
  const squeeze = (text: string) => text.replace(/\n+/g, '\n').trim();
  // Without its first line, which says what it is.
  const program = read('examples', 'tornado', file).split('\n').slice(1).join('\n');
  expect(squeeze(shown)).toBe(squeeze(program));
});
