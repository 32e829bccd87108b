/**
 * Writes the README's figures between its markers, from the tables of docs/benchmarks.md, which `npm run bench --
 * --write-docs` measures; nothing here measures. `--check` writes nothing and ends with status 1 if they differ.
 */
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

const ROOT = join(import.meta.dirname, '..', '..');
const README = join(ROOT, 'README.md');
const MARKED = /(<!-- begin figures -->\n)[\s\S]*?(\n<!-- end figures -->)/;

/** The cells of a table between markers, its head first. */
function cellsOf(page, name) {
  const marked = new RegExp(`<!-- begin ${name} -->\\s+([\\s\\S]*?)\\s+<!-- end ${name} -->`).exec(page);
  if (marked === null) throw new Error(`docs/benchmarks.md lacks the markers of ${name}`);
  const [head, , ...lines] = marked[1].split('\n').map((line) =>
    line
      .slice(1, -1)
      .split('|')
      .map((cell) => cell.trim()),
  );
  return [head, ...lines];
}

/** The rows of a table, each an object by column name. */
function table(page, name) {
  const [head, ...lines] = cellsOf(page, name);
  return lines.map((line) => Object.fromEntries(line.map((cell, index) => [head[index], cell])));
}

function one(rows, column, value, ...more) {
  const [row] = rows.filter(
    (each) => each[column] === value && more.every(([name, wanted]) => each[name] === wanted),
  );
  if (row === undefined) throw new Error(`docs/benchmarks.md has no row whose ${column} is ${value}`);
  return row;
}

/** Five questions that an operator asks, with the answers of each server, and whether more is better. */
function rowsOf(page) {
  const [ready, throughput, memory] = ['ready', 'throughput', 'memory'].map((each) => table(page, each));
  const started = one(ready, 'application', 'Express with 300 modules');
  const through = (column) =>
    ['the process manager', 'cluster, round-robin', 'PM2, cluster mode'].map(
      (server) => one(throughput, 'server', server, ['workers', '2'])[column],
    );
  const kept = (column) =>
    ['the process manager', 'cluster', 'PM2, cluster mode'].map(
      (server) => one(memory, 'server', server)[column],
    );
  return [
    [
      'Time to start one more worker, Express with 300 modules (ms)',
      [started['fork() to listening'], started['cluster.fork() to listening'], '-'],
      'less',
    ],
    ['New connections per second, 2 workers', through('Connection: close: connections/s'), 'more'],
    ['Requests per second over open connections, 2 workers', through('keep-alive: requests/s'), 'more'],
    ['Memory per worker, small server (MB)', kept('trivial, after 10,000 requests'), 'less'],
    ['Memory per worker, 400 MB of data (MB)', kept('400 MB of data, after 200,000 requests'), 'less'],
  ];
}

/** The best of a row in bold, ours or not. */
function emphasized(figures, better) {
  const value = (figure) => Number(figure.replaceAll(',', ''));
  const measured = figures.filter((figure) => figure !== '-').map(value);
  const best = better === 'less' ? Math.min(...measured) : Math.max(...measured);
  return figures.map((figure) => (figure !== '-' && value(figure) === best ? `**${figure}**` : figure));
}

function aligned(rows) {
  const widths = rows[0].map((_, index) => Math.max(...rows.map((row) => row[index].length)));
  const line = (row) => `| ${row.map((cell, index) => cell.padEnd(widths[index])).join(' | ')} |`;
  const [head, ...others] = rows;
  return [line(head), line(widths.map((width) => '-'.repeat(width))), ...others.map(line)].join('\n');
}

export function figures(page) {
  const machine = Object.fromEntries(cellsOf(page, 'machine'));
  const head = ['', 'prefork', 'node:cluster', 'PM2'];
  const rows = rowsOf(page).map(([what, values, better]) => [what, ...emphasized(values, better)]);
  const kernel = machine.kernel.split(' ')[1].split('-')[0];
  const where = `Node ${machine.node}, ${machine.processors}, Linux ${kernel}, ${machine.date}; the best in bold, "-" is not measured:`;
  return `${where}\n\n${aligned([head, ...rows])}`;
}

const before = readFileSync(README, 'utf8');
const content = figures(readFileSync(join(ROOT, 'docs', 'benchmarks.md'), 'utf8'));
const after = before.replace(MARKED, (_, begin, end) => `${begin}\n${content}\n${end}`);
if (!process.argv.includes('--check')) {
  writeFileSync(README, after);
} else if (before !== after) {
  console.error(
    'The figures of README.md are not those of docs/benchmarks.md: run node tools/docs/figures.mjs',
  );
  process.exitCode = 1;
}
