import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { OPTIONS } from '../../lib/cli/settings/options';
import { ROOT } from '../helpers/stdin';

test.each(OPTIONS)('The documentation has $name under all its names.', ({ name, flags, variables }) => {
  const lines = readFileSync(join(ROOT, 'docs', 'command-line.md'), 'utf8').split('\n');
  const names = [...flags.split(', '), ...variables, name].map((each) => `\`${each}\``);
  expect(lines.some((line) => names.every((each) => line.includes(each)))).toBe(true);
});
