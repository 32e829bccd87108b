// The table of docs/internals.md, and the programs that there are for it.
const { readdirSync, readFileSync } = require('node:fs');
const { join } = require('node:path');

const FOLDER = join(__dirname, '..');
const PAGE = join(FOLDER, '..', '..', 'docs', 'internals.md');

/** `{ name, where, what, fails }` for each trick, in the page's order. */
function rowsOf(page) {
  return page.split('\n').flatMap((line) => {
    if (!line.startsWith('| ')) return [];
    const [, where = '', what = '', fails = '', canary = ''] = line.split('|').map((cell) => cell.trim());
    const [, name] = /^`([\w-]+)`$/.exec(canary) ?? [];
    return name === undefined ? [] : [{ name, where, what, fails }];
  });
}

/** The names of all canaries that there are. */
const programs = readdirSync(FOLDER)
  .filter((file) => file.endsWith('.js'))
  .map((file) => file.slice(0, -'.js'.length))
  .sort();

module.exports = { FOLDER, programs, rows: rowsOf(readFileSync(PAGE, 'utf8')), rowsOf };
