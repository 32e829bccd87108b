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

test('The page lists the events of the log, all of them and no other, in their order, with levels and fields.', () => {
  const listed = ROWS.filter(([, name = '']) => /^`[a-z]+_[a-z_]+`$|^`rehearsed`$/.test(name));
  const read = listed.map(([, name = '', levels = '', fields = '', when]) => ({
    name: name.replaceAll('`', ''),
    levels: levels.split(', '),
    fields: [...fields.matchAll(/`(worker|pid)`/g)].map(([, field]) => field),
    when,
  }));
  const written = Object.entries(LOG_EVENTS).map(([name, event]) => ({
    name,
    levels: [event.level].flat(),
    fields: [...('has' in event ? event.has : []), ...('mayHave' in event ? event.mayHave : [])],
    when: event.when,
  }));
  expect(read).toEqual(written);
});

test('It says of a field that not every line has where it is.', () => {
  const some = Object.entries(LOG_EVENTS).flatMap(([name, event]) => ('mayHave' in event ? name : []));
  for (const name of some) {
    const [, , , fields] = ROWS.find(([, cell]) => cell === `\`${name}\``) ?? [];
    expect(fields).toMatch(/(`worker`|`pid`) [a-z]/);
  }
});
