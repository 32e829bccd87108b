// `npm run bench -- [--only=name,…] [--quick] [--turns=N] [--json=file] [--write-docs] [--from=file]`
//
// Measures every figure of docs/benchmarks.md in one run. Within a benchmark all subjects take turns (A B C A B C …), so that
// other work on the machine hits all of them alike. Figures are medians over all turns, ratios are quotients of medians.
// `--write-docs` writes tables and plots to docs/; `--from` takes them from an earlier run's JSON file.
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { cpus, release, totalmem } from 'node:os';
import { dirname, join } from 'node:path';
import { parseArgs } from 'node:util';
import { benchmarks } from './benchmarks/index.mjs';
import { writeDocs } from './lib/docs.mjs';
import { has, output, PYTHON, peers } from './lib/peers.mjs';
import { BENCH, BUILD } from './lib/places.mjs';
import { benchmarkTable, goalTable, machineTable } from './lib/report.mjs';
import { Samples } from './lib/samples.mjs';

const { values: options } = parseArgs({
  options: {
    only: { type: 'string', default: '' },
    quick: { type: 'boolean', default: false },
    turns: { type: 'string' },
    json: { type: 'string', default: join(BUILD, 'results.json') },
    from: { type: 'string' },
    'write-docs': { type: 'boolean', default: false },
  },
});

const FULL = { rounds: 9, seconds: 2, requests: 200_000, forks: 10_000, files: 40 };
const QUICK = { rounds: 3, seconds: 1, requests: 2000, forks: 200, files: 6 };

function describeMachine() {
  const version = (program, command, args) => (peers[program] ? output(command, args) : null);
  const inBench = (name) => JSON.parse(readFileSync(join(BENCH, 'package.json'), 'utf8')).dependencies[name];
  return {
    date: new Date().toISOString().slice(0, 10),
    processors: `${cpus().length} × ${cpus()[0]?.model.trim()}`,
    memory: `${Math.round(totalmem() / 2 ** 30)} GiB`,
    kernel: `Linux ${release()}`,
    libc: `glibc ${process.report.getReport().header.glibcVersionRuntime}`,
    node: process.version,
    CPython: version('python', PYTHON, ['-c', 'import platform; print(platform.python_version())']),
    Tornado: version('tornado', PYTHON, ['-c', 'import tornado; print(tornado.version)']),
    gunicorn: version('gunicorn', '/usr/bin/gunicorn', ['--version'])?.match(/[\d.]+/)?.[0] ?? null,
    PM2: peers.pm2 ? inBench('pm2') : null,
    wrk:
      peers.wrk && has('dpkg-query', ['-W', 'wrk'])
        ? output('dpkg-query', ['-W', '-f', `\${Version}`, 'wrk'])
        : null,
  };
}

function chosen() {
  const names = options.only.split(',').filter(Boolean);
  const unknown = names.filter((name) => !benchmarks.some((each) => each.name === name));
  if (unknown.length > 0) {
    throw new Error(
      `no benchmark ${unknown.join(', ')}; there are ${benchmarks.map(({ name }) => name).join(', ')}`,
    );
  }
  return names.length === 0 ? benchmarks : benchmarks.filter(({ name }) => names.includes(name));
}

async function measure() {
  const samples = new Samples();
  const sizes = options.quick ? QUICK : FULL;
  for (const benchmark of chosen()) {
    const turns = options.quick ? 1 : Number(options.turns ?? benchmark.turns);
    for (let turn = 1; turn <= turns; turn++) {
      process.stderr.write(`${benchmark.name}: turn ${turn} of ${turns}\n`);
      await benchmark.measure(samples, sizes);
    }
  }
  return { machine: describeMachine(), quick: options.quick, samples: samples.values };
}

const results = options.from ? JSON.parse(readFileSync(options.from, 'utf8')) : await measure();
const samples = new Samples(results.samples);
console.log(machineTable(results.machine));
for (const benchmark of chosen())
  console.log(`\n${benchmark.title}\n\n${benchmarkTable(benchmark, samples)}`);
console.log(`\nGoals\n\n${goalTable(samples)}`);
if (!options.from) {
  mkdirSync(dirname(options.json), { recursive: true });
  writeFileSync(options.json, `${JSON.stringify(results, null, 1)}\n`);
  console.log(`\nevery sample: ${options.json}`);
}
if (options['write-docs']) await writeDocs(results, samples);
