/** docs/command-line.md lists every option under all its names, and every event of the log. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { OPTIONS } from '../../lib/cli/settings/options';
import { LOG_EVENTS } from '../../lib/manager/log-events';
import { ROOT } from '../helpers/stdin';

const ROWS = readFileSync(join(ROOT, 'docs', 'command-line.md'), 'utf8')
  .split('\n')
  .filter((line) => line.startsWith('|'))
  .map((line) => line.split('|').map((cell) => cell.trim()));

test.each(OPTIONS)('$name stands there under all its names, with the words of --help.', (option) => {
  const { name, flags, variables, help } = option;
  const names = [...flags.split(', '), ...variables, name].map((each) => `\`${each}\``);
  const described = ROWS.filter((cells) => cells.includes(help)).map((cells) => cells.join(' '));
  expect(described).toHaveLength(1);
  for (const each of names) expect(described[0]).toContain(each);
});

test('The page lists the events of the log, all of them and no other, in their order.', () => {
  const listed = ROWS.filter(([, name = '']) => /^`[a-z]+_[a-z_]+`$|^`rehearsed`$/.test(name));
  expect(listed.map(([, name = '', , , when]) => [name.replaceAll('`', ''), when])).toEqual(
    Object.entries(LOG_EVENTS),
  );
});
