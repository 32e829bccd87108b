// `npm run bench -- [--turns=N] [--rounds=N] [--forks=N] [--json=file]`: how long a fork takes, beside others.
//
// All subjects run in turn (A B C A B C …), so that what else the machine does falls on all alike. The figures are
// medians over all turns; a ratio is a quotient of medians.
import { execFileSync } from 'node:child_process';
import { mkdirSync, writeFileSync } from 'node:fs';
import { cpus, release, totalmem } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';

const HERE = dirname(fileURLToPath(import.meta.url));
const ROOT = join(HERE, '..');
const SIZES = [0, 100, 400, 1000];

const { values: options } = parseArgs({
  options: {
    turns: { type: 'string', default: '5' },
    rounds: { type: 'string', default: '7' },
    forks: { type: 'string', default: '10000' },
    json: { type: 'string', default: join(HERE, 'build', 'results.json') },
  },
});
const PYTHON = '/usr/bin/python3';

function output(command, args) {
  return execFileSync(command, args, { encoding: 'utf8', stdio: ['ignore', 'pipe', 'inherit'] }).trim();
}

function node(script, args, flags = []) {
  return JSON.parse(output(process.execPath, [...flags, join(HERE, script), ...args.map(String)]));
}

function python(args) {
  return JSON.parse(output(PYTHON, [join(HERE, 'cpython.py'), ...args.map(String)]));
}

function has(command, args) {
  try {
    execFileSync(command, args, { stdio: 'ignore' });
    return true;
  } catch {
    return false;
  }
}

function buildFloor() {
  const file = join(HERE, 'build', 'floor.node');
  mkdirSync(dirname(file), { recursive: true });
  const headers = join(ROOT, 'node_modules', 'node-api-headers', 'include');
  execFileSync('cc', ['-O2', '-shared', '-fPIC', '-I', headers, '-o', file, join(HERE, 'floor.c')]);
  return file;
}

// --- measuring

const samples = new Map();

function note(name, times) {
  samples.set(name, [...(samples.get(name) ?? []), ...times]);
}

const floor = buildFloor();
const rounds = options.rounds;
const hasPython = has(PYTHON, ['--version']);
const hasTornado = hasPython && has(PYTHON, ['-c', 'import tornado.web']);

function measureForks(size) {
  const { fork, clone } = node('forks.js', [size, rounds, floor], ['--max-old-space-size=8000']);
  note(`fork ${size}`, fork);
  note(`clone ${size}`, clone);
  if (hasPython) note(`python ${size}`, python([size, rounds]).fork);
}

function measureReady(way) {
  const { line, listening } = node('ready.js', [way, rounds]);
  note(`${way} line`, line);
  if (listening) note(`${way} listening`, listening);
}

function measureSpawns(size) {
  const { before, after, child } = node('spawn.js', [size, rounds], ['--max-old-space-size=8000']);
  note(`spawn before ${size}`, before);
  note(`spawn after ${size}`, after);
  note(`spawn child ${size}`, child);
}

function takeTurn() {
  for (const size of SIZES) measureForks(size);
  if (hasTornado) note('tornado 0', python([0, rounds, 'tornado.web', 'tornado.httpserver']).fork);
  for (const way of ['prefork', 'child_process', 'cluster']) measureReady(way);
  for (const size of [0, 400]) measureSpawns(size);
}

// --- telling

function quantile(times, q) {
  const sorted = [...times].sort((a, b) => a - b);
  return sorted[Math.min(sorted.length - 1, Math.floor(q * sorted.length))];
}

const median = (name) => quantile(samples.get(name) ?? [], 0.5);
const number = (value) => (value === undefined ? '-' : value.toFixed(2));
const times = (a, b) =>
  median(a) === undefined || median(b) === undefined ? '-' : `${(median(a) / median(b)).toFixed(2)}×`;

function table(title, header, rows) {
  const all = [header, ...rows].map((row) => row.map(String));
  const widths = header.map((_, column) => Math.max(...all.map((row) => row[column].length)));
  const line = (row) => `| ${row.map((cell, i) => cell.padEnd(widths[i])).join(' | ')} |`;
  const rule = `|${widths.map((width) => '-'.repeat(width + 2)).join('|')}|`;
  return `${title}\n\n${[line(all[0]), rule, ...all.slice(1).map(line)].join('\n')}\n`;
}

function describeMachine() {
  return {
    date: new Date().toISOString().slice(0, 10),
    processor: `${cpus().length} × ${cpus()[0]?.model.trim()}`,
    memory: `${Math.round(totalmem() / 2 ** 30)} GiB`,
    kernel: release(),
    libc: process.report.getReport().header.glibcVersionRuntime,
    node: process.version,
    python: hasPython ? output(PYTHON, ['-c', 'import platform; print(platform.python_version())']) : null,
    tornado: hasTornado ? output(PYTHON, ['-c', 'import tornado; print(tornado.version)']) : null,
  };
}

const sizeName = (size) => (size === 0 ? 'empty' : `${size} MB`);

function forkTable() {
  return table(
    'Milliseconds from the call to the first line of the child, by heap (median)',
    ['heap', 'fork()', 'bare clone', 'fork() : clone', 'CPython os.fork', 'fork() : CPython'],
    SIZES.map((size) => [
      sizeName(size),
      number(median(`fork ${size}`)),
      number(median(`clone ${size}`)),
      times(`fork ${size}`, `clone ${size}`),
      number(median(`python ${size}`)),
      times(`fork ${size}`, `python ${size}`),
    ]),
  );
}

function othersTable() {
  const ways = [
    ['fork()', 'prefork'],
    ['child_process.fork()', 'child_process'],
    ['cluster.fork()', 'cluster'],
  ];
  const rows = ways.map(([name, way]) => [
    name,
    number(median(`${way} line`)),
    times(`${way} line`, 'prefork line'),
    number(median(`${way} listening`)),
    times(`${way} listening`, 'prefork listening'),
  ]);
  if (hasTornado) {
    rows.push([
      'os.fork(), Tornado loaded',
      number(median('tornado 0')),
      times('tornado 0', 'prefork line'),
      '-',
      '-',
    ]);
  }
  return table(
    'Milliseconds from the call to the first line, and to a trivial HTTP server that listens (median)',
    ['way', 'first line', '', 'listening', ''],
    rows,
  );
}

function spawnTable() {
  return table(
    'Milliseconds that child_process.spawn() blocks (median)',
    ['heap', 'before any fork', 'after 10', '', 'in a child', ''],
    [0, 400].map((size) => [
      sizeName(size),
      number(median(`spawn before ${size}`)),
      number(median(`spawn after ${size}`)),
      times(`spawn after ${size}`, `spawn before ${size}`),
      number(median(`spawn child ${size}`)),
      times(`spawn child ${size}`, `spawn before ${size}`),
    ]),
  );
}

function growthTable({ before, after }) {
  return table(
    `What ${options.forks} forks leave behind in the parent`,
    ['', 'before', 'after'],
    [
      ['resident memory, MB', number(before.rss), number(after.rss)],
      ['descriptors', before.descriptors, after.descriptors],
      ['mappings', before.mappings, after.mappings],
    ],
  );
}

const machine = describeMachine();
for (const [name, value] of Object.entries(machine)) console.log(`${name}: ${value ?? 'none'}`);
for (let turn = 1; turn <= Number(options.turns); turn++) {
  process.stderr.write(`turn ${turn} of ${options.turns}\n`);
  takeTurn();
}
const growth = node('growth.js', [options.forks], ['--expose-gc']);
console.log(`\n${[forkTable(), othersTable(), spawnTable(), growthTable(growth)].join('\n')}`);
const results = {
  machine,
  options: { turns: options.turns, rounds },
  samples: Object.fromEntries(samples),
  growth,
};
mkdirSync(dirname(options.json), { recursive: true });
writeFileSync(options.json, `${JSON.stringify(results, null, 1)}\n`);
console.log(`every sample: ${options.json}`);
