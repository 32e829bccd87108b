/**
 * Puts the figures that the README leads with between its markers. They are those of docs/benchmarks.md, which
 * `npm run bench -- --write-docs` has measured; nothing here measures. `--check`: ends with status 1 if they differ.
 */
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

const ROOT = join(import.meta.dirname, '..', '..');
const README = join(ROOT, 'README.md');
const MARKED = /(<!-- begin figures -->\n)[\s\S]*?(\n<!-- end figures -->)/;

/** The cells of a table between markers, with its head. */
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

/** Its rows, each an object by the names of its columns. */
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

/** What is measured, of whom, and whether more is better. */
function rowsOf(page) {
  const [ready, throughput, spread, memory] = ['ready', 'throughput', 'spread', 'memory'].map((each) =>
    table(page, each),
  );
  const servers = ['prefork, one shared socket', 'cluster, round-robin', 'PM2, cluster mode'];
  const listens = (application) => {
    const row = one(ready, 'application', application);
    return [row['fork() to listening'], row['cluster.fork() to listening'], '-'];
  };
  const through = (column, workers) =>
    servers.map((server) => one(throughput, 'server', server, ['workers', workers])[column]);
  const kept = (column) =>
    ['the process manager', 'cluster', 'PM2, cluster mode'].map(
      (server) => one(memory, 'server', server)[column],
    );
  const spreadOver = (column) => [
    ...servers.slice(0, 2).map((server) => one(spread, 'server', server)[column]),
    '-',
  ];
  return [
    ['a further worker listens, ms', listens('trivial server'), 'less'],
    ['the same, Express with 300 modules, ms', listens('Express with 300 modules'), 'less'],
    ['connections/s, 2 workers', through('Connection: close: connections/s', '2'), 'more'],
    ['requests/s over kept connections, 2 workers', through('keep-alive: requests/s', '2'), 'more'],
    ['the same, 4 workers', through('keep-alive: requests/s', '4'), 'more'],
    ['own memory of a worker, trivial server, MB', kept('trivial, after 10,000 requests'), 'less'],
    [
      'the same with 400 MB of data, after 200,000 requests, MB',
      kept('400 MB of data, after 200,000 requests'),
      'less',
    ],
    [
      '64 connections: busiest worker for each one of the idlest, 4 workers',
      spreadOver('64 connections'),
      'less',
    ],
    [
      'the same, `--balanced`',
      [one(spread, 'server', 'prefork, a socket each')['64 connections'], '-', '-'],
      'less',
    ],
  ];
}

/** The best of a row stands out, whoever's it is. */
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
  const memoryOn = /This table[^.]*were measured with Node ([\d.]+\d)/.exec(page)?.[1];
  const other = memoryOn === undefined ? '' : ` (memory: Node v${memoryOn})`;
  const where = `Node ${machine.node}${other}, ${machine.processors}, Linux ${machine.kernel.split(' ')[1].split('-')[0]}, ${machine.date}; the better in bold:`;
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
