/** Every benchmark: what one turn of it measures, and its table. */
import { execFileSync } from 'node:child_process';
import { mkdirSync } from 'node:fs';
import { createRequire } from 'node:module';
import { join } from 'node:path';
import { setTimeout } from 'node:timers/promises';
import {
  answerTimes,
  countByWorker,
  load,
  loadRequests,
  privateMemory,
  processorTime,
  start,
} from './load.mjs';
import { BENCH, BUILD, PROGRAMS, ROOT } from './places.mjs';
import { quantile } from './samples.mjs';

export const PYTHON = '/usr/bin/python3';

export function output(command, args) {
  return execFileSync(command, args.map(String), {
    encoding: 'utf8',
    stdio: ['ignore', 'pipe', 'inherit'],
  }).trim();
}

export function has(command, args) {
  try {
    execFileSync(command, args, { stdio: 'ignore' });
    return true;
  } catch {
    return false;
  }
}

const node = (program, args, flags = []) =>
  JSON.parse(output(process.execPath, [...flags, join(PROGRAMS, program), ...args]));
const python = (args) => JSON.parse(output(PYTHON, [join(PROGRAMS, 'cpython.py'), ...args]));

export const peers = {
  python: has(PYTHON, ['--version']),
  tornado: has(PYTHON, ['-c', 'import tornado.web']),
  gunicorn: has('/usr/bin/gunicorn', ['--version']),
  wrk: has('which', ['wrk']),
  piscina: has('test', ['-e', join(BENCH, 'node_modules', 'piscina')]),
  pm2: has('test', ['-e', join(BENCH, 'node_modules', 'pm2', 'bin', 'pm2')]),
};

function buildFloor() {
  const file = join(BUILD, 'floor.node');
  mkdirSync(BUILD, { recursive: true });
  const headers = join(ROOT, 'node_modules', 'node-api-headers', 'include');
  output('cc', ['-O2', '-shared', '-fPIC', '-I', headers, '-o', file, join(BENCH, 'floor.c')]);
  return file;
}

function buildClient() {
  const file = join(BUILD, 'client');
  mkdirSync(BUILD, { recursive: true });
  output('cc', ['-O2', '-o', file, join(BENCH, 'client.c')]);
  return file;
}

const LARGE_HEAP = ['--max-old-space-size=8000'];
const SIZES = [0, 100, 400, 1000];
const sizeName = (size) => (size === 0 ? 'empty' : `${size} MB`);

const forks = {
  name: 'forks',
  title: 'Milliseconds from the call to the first line of the child, by heap',
  turns: 6,
  measure(samples, { rounds }) {
    const floor = buildFloor();
    for (const size of SIZES) {
      const { fork, clone } = node('forks.js', [size, rounds, floor], LARGE_HEAP);
      samples.note(`fork ${size}`, fork);
      samples.note(`clone ${size}`, clone);
      if (peers.python) samples.note(`python ${size}`, python([size, rounds]).fork);
    }
    if (peers.tornado) samples.note('tornado', python([0, rounds, 'tornado.web', 'tornado.httpserver']).fork);
  },
  header: ['heap', 'fork()', 'bare clone', 'fork() : clone', 'CPython os.fork', 'fork() : CPython'],
  rows: (s) => [
    ...SIZES.map((size) => [
      sizeName(size),
      s.median(`fork ${size}`),
      s.median(`clone ${size}`),
      s.ratio(`fork ${size}`, `clone ${size}`),
      s.median(`python ${size}`),
      s.ratio(`fork ${size}`, `python ${size}`),
    ]),
    [
      'empty, Tornado loaded',
      s.median('fork 0'),
      undefined,
      undefined,
      s.median('tornado'),
      s.ratio('fork 0', 'tornado'),
    ],
  ],
  logarithmic: true,
  plot: (s) =>
    SIZES.flatMap((size) =>
      ['clone', 'fork', 'python'].map((way) => ({
        group: sizeName(size),
        series: { clone: 'bare clone', fork: 'fork()', python: 'CPython os.fork' }[way],
        value: s.median(`${way} ${size}`),
      })),
    ),
};

const LAYOUT_WAYS = { plain: "V8's own", gathered: 'gathered', huge: 'gathered, on huge pages' };
const LAYOUT_SIZES = [0, 400, 1000];
/** What a program of `layout.js` prints, and its heading. */
const LAYOUT_FIGURES = {
  fork: 'fork() to the first line, ms',
  clone: 'bare clone, ms',
  exit: "a child's end, ms",
  write: 'writing to 1 % of the objects in a child, ms',
  private: 'its own memory then, MB',
  read: 'reading all, ms',
  collect: 'full collection, ms',
  warmup: 'warmup(), ms',
  rss: 'resident, MB',
  pageTables: 'page tables, MB',
  mappings: 'mappings',
};

const layout = {
  name: 'layout',
  title: 'The layout of the heap, after warmup()',
  turns: 3,
  measure(samples, { rounds }) {
    const floor = buildFloor();
    for (const size of LAYOUT_SIZES) {
      for (const way of Object.keys(LAYOUT_WAYS)) {
        const measured = node('layout.js', [size, rounds, floor, way], LARGE_HEAP);
        for (const figure of Object.keys(LAYOUT_FIGURES)) {
          samples.note(`layout ${figure} ${size} ${way}`, measured[figure]);
        }
      }
    }
  },
  header: ['heap', 'layout', ...Object.values(LAYOUT_FIGURES)],
  rows: (s) =>
    LAYOUT_SIZES.flatMap((size) =>
      Object.entries(LAYOUT_WAYS).map(([way, name]) => [
        sizeName(size),
        name,
        ...Object.keys(LAYOUT_FIGURES).map((figure) => s.median(`layout ${figure} ${size} ${way}`)),
      ]),
    ),
  logarithmic: true,
  plotTitle: 'Milliseconds from the call to the first line of the child',
  plot: (s) =>
    LAYOUT_SIZES.flatMap((size) =>
      Object.entries(LAYOUT_WAYS).map(([way, series]) => ({
        group: sizeName(size),
        series,
        value: s.median(`layout fork ${size} ${way}`),
      })),
    ),
};

const APPLICATIONS = ['trivial', 'express'];

const ready = {
  name: 'ready',
  title: 'Milliseconds from the call to a worker that listens',
  turns: 3,
  measure(samples, { rounds }) {
    createRequire(import.meta.url)(join(PROGRAMS, 'application.js')).writeModules();
    for (const application of APPLICATIONS) {
      for (const way of ['prefork', 'prefork-cold', 'child_process', 'cluster']) {
        if (way === 'child_process' && application !== 'trivial') continue;
        const { line, listening } = node('ready.js', [way, Math.ceil(rounds / 2), application]);
        samples.note(`${way} line ${application}`, line);
        if (listening) samples.note(`${way} listening ${application}`, listening);
      }
    }
  },
  header: [
    'application',
    'fork() to the first line',
    'fork() to listening',
    'without warmup()',
    'cluster.fork() to listening',
    'cluster : fork()',
    'child_process.fork() to the first line',
  ],
  rows: (s) =>
    APPLICATIONS.map((application) => [
      application === 'trivial' ? 'trivial server' : 'Express with 300 modules',
      s.median(`prefork line ${application}`),
      s.median(`prefork listening ${application}`),
      s.median(`prefork-cold listening ${application}`),
      s.median(`cluster listening ${application}`),
      s.ratio(`cluster listening ${application}`, `prefork listening ${application}`),
      s.median(`child_process line ${application}`),
    ]),
  logarithmic: true,
  plot: (s) =>
    APPLICATIONS.flatMap((application) =>
      ['prefork', 'cluster'].map((way) => ({
        group: application === 'trivial' ? 'trivial server' : 'Express, 300 modules',
        series: way === 'prefork' ? 'fork()' : 'cluster.fork()',
        value: s.median(`${way} listening ${application}`),
      })),
    ),
};

const spawns = {
  name: 'spawns',
  title: 'Milliseconds that child_process.spawn() blocks',
  turns: 3,
  measure(samples, { rounds }) {
    for (const size of [0, 400]) {
      const { before, after, child } = node('spawn.js', [size, rounds], LARGE_HEAP);
      samples.note(`spawn before ${size}`, before);
      samples.note(`spawn after ${size}`, after);
      samples.note(`spawn child ${size}`, child);
    }
  },
  header: ['heap', 'before any fork', 'after 10', 'after : before', 'in a child', 'child : before'],
  rows: (s) =>
    [0, 400].map((size) => [
      sizeName(size),
      s.median(`spawn before ${size}`),
      s.median(`spawn after ${size}`),
      s.ratio(`spawn after ${size}`, `spawn before ${size}`),
      s.median(`spawn child ${size}`),
      s.ratio(`spawn child ${size}`, `spawn before ${size}`),
    ]),
};

const jit = {
  name: 'jit',
  title: 'Milliseconds of processor time of one call of a hot function',
  turns: 3,
  measure(samples, { rounds }) {
    const { parent, before, after } = node('jit.js', [Math.ceil(rounds / 3)]);
    samples.note('jit parent', parent);
    samples.note('jit before', before);
    samples.note('jit after', after);
  },
  header: [
    'parent',
    'child, compiled before the fork',
    ': parent',
    'child, compiled after the fork',
    ': parent',
  ],
  rows: (s) => [
    [
      s.median('jit parent'),
      s.median('jit before'),
      s.ratio('jit before', 'jit parent'),
      s.median('jit after'),
      s.ratio('jit after', 'jit parent'),
    ],
  ],
};

const WAYS = {
  manager: 'the process manager',
  prefork: 'prefork, one shared socket',
  'prefork-perWorker': 'prefork, a socket each',
  'cluster-rr': 'cluster, round-robin',
  'cluster-shared': 'cluster, shared handle',
  pm2: 'PM2, cluster mode',
  gunicorn: 'gunicorn --preload',
  tornado: 'Tornado',
};
const present = (ways) => ways.filter((way) => peers[way] !== false);

const throughput = {
  name: 'throughput',
  title: 'Requests per second, and processor time of the parent per connection',
  turns: 3,
  async measure(samples, { seconds }) {
    for (const workers of [2, 4]) {
      for (const way of present(Object.keys(WAYS))) {
        const server = await start(way, workers);
        samples.note(`keep-alive ${way} ${workers}`, load(server.port, seconds).perSecond);
        const before = processorTime(server.parent);
        const { requests, perSecond } = load(server.port, seconds, { close: true });
        samples.note(`close ${way} ${workers}`, perSecond);
        samples.note(`parent ${way} ${workers}`, ((processorTime(server.parent) - before) / requests) * 1e6);
        await server.stop();
      }
    }
  },
  header: [
    'server',
    'workers',
    'keep-alive: requests/s',
    'Connection: close: connections/s',
    'µs of the parent per connection',
  ],
  rows: (s) =>
    [2, 4].flatMap((workers) =>
      Object.entries(WAYS).map(([way, name]) => [
        name,
        String(workers),
        s.median(`keep-alive ${way} ${workers}`),
        s.median(`close ${way} ${workers}`),
        s.median(`parent ${way} ${workers}`),
      ]),
    ),
  plotTitle: 'Connections per second',
  plot: (s) =>
    [2, 4].flatMap((workers) =>
      Object.entries(WAYS).map(([way, name]) => ({
        group: `${workers} workers`,
        series: name,
        value: s.median(`close ${way} ${workers}`),
      })),
    ),
};

const QUANTILES = { median: 0.5, p90: 0.9, p99: 0.99 };

const SPREAD_WAYS = {
  manager: ['manager', [], 'the process manager'],
  sticky: ['manager', ['--sticky', 'ip'], 'the process manager with --sticky ip, one address'],
  balanced: ['manager', ['--balanced'], 'the process manager with --balanced'],
  prefork: ['prefork', [], WAYS.prefork],
  exclusive: ['prefork-exclusive', [], `${WAYS.prefork}, EPOLLEXCLUSIVE`],
  'prefork-perWorker': ['prefork-perWorker', [], WAYS['prefork-perWorker']],
  'cluster-rr': ['cluster-rr', [], WAYS['cluster-rr']],
  'cluster-shared': ['cluster-shared', [], WAYS['cluster-shared']],
};
export const SPREAD = [16, 64, 1000].flatMap((connections) =>
  [false, true].map((oneByOne) => ({
    connections,
    oneByOne,
    name: `${connections}${oneByOne ? ' one by one' : ''}`,
  })),
);

const spread = {
  name: 'spread',
  title: 'Load skew of 4 workers: connections of the busiest ÷ idlest',
  turns: 5,
  async measure(samples) {
    buildFloor();
    for (const [key, [way, flags]] of Object.entries(SPREAD_WAYS)) {
      for (const { connections, oneByOne, name } of SPREAD) {
        const server = await start(way, 4, 'pid', flags);
        const counts = await countByWorker(server.port, connections, { oneByOne });
        const least = counts.length < 4 ? 0.5 : Math.min(...counts); // a worker without any counts as half of one
        samples.note(`spread ${key} ${name}`, Math.max(...counts) / least);
        await server.stop();
      }
    }
  },
  header: ['server', ...SPREAD.map(({ name }) => `${name} connections`)],
  rows: (s) =>
    Object.entries(SPREAD_WAYS).map(([key, [, , name]]) => [
      name,
      ...SPREAD.map((each) => s.median(`spread ${key} ${each.name}`)),
    ]),
};

const tail = {
  name: 'tail',
  title: 'Milliseconds to an answer on a new connection, one of 4 workers blocked for 20 ms of every 25',
  turns: 3,
  async measure(samples) {
    buildFloor();
    for (const [key, [way, flags]] of Object.entries(SPREAD_WAYS)) {
      const server = await start(way, 4, 'pid-slow', flags);
      const times = await answerTimes(server.port, 2000, 8);
      for (const [name, q] of Object.entries(QUANTILES))
        samples.note(`tail ${name} ${key}`, quantile(times, q));
      await server.stop();
    }
  },
  header: ['server', 'median', 'p90', 'p99'],
  rows: (s) =>
    Object.entries(SPREAD_WAYS).map(([key, [, , name]]) => [
      name,
      ...Object.keys(QUANTILES).map((which) => s.median(`tail ${which} ${key}`)),
    ]),
};

const FIRST_REQUESTS = 1000;
/** How each kind of worker starts, and its name in the table. */
const LATENCY_WAYS = {
  rehearsed: ['prefork', ['rehearsal'], 'fork() after rehearse() and warmup()'],
  prefork: ['prefork', ['warmup'], 'fork() after warmup()'],
  'cluster-rr': ['cluster-rr', [], 'cluster, round-robin'],
  'cluster-shared': ['cluster-shared', [], 'cluster, shared handle'],
};

const latency = {
  name: 'latency',
  title: 'Milliseconds of the first 1,000 requests of a new worker',
  turns: 5,
  async measure(samples) {
    createRequire(import.meta.url)(join(PROGRAMS, 'application.js')).writeSite();
    const client = buildClient();
    for (const [kind, [way, flags]] of Object.entries(LATENCY_WAYS)) {
      for (const application of ['page', 'site']) {
        const server = await start(way, 1, application, flags);
        const lines = output(client, [server.port, FIRST_REQUESTS]).trim().split('\n');
        const times = lines.map((line) => Number(line) / 1e6);
        samples.note(`first ${application} ${kind}`, times[0]);
        for (const [name, q] of Object.entries(QUANTILES)) {
          samples.note(`${name} ${application} ${kind}`, quantile(times, q));
        }
        await server.stop();
      }
    }
  },
  header: [
    'worker',
    ...['one page: first', 'median', 'p90', 'p99'],
    ...['200 pages: first', 'median', 'p90', 'p99'],
  ],
  rows: (s) =>
    Object.entries(LATENCY_WAYS).map(([kind, [, , name]]) => [
      name,
      ...['page', 'site'].flatMap((application) =>
        ['first', ...Object.keys(QUANTILES)].map((which) => s.median(`${which} ${application} ${kind}`)),
      ),
    ]),
};

const SMALL = '--small-young-generation';
const MEMORY = [
  ['trivial', 'prefork', []],
  ['trivial', 'prefork', ['warmup']],
  ['trivial', 'manager', []],
  ['trivial', 'manager', [SMALL]],
  ['trivial', 'cluster-rr', []],
  ['trivial', 'pm2', []],
  ['trivial', 'gunicorn', []],
  ['trivial', 'tornado', []],
  ['data', 'prefork', []],
  ['data', 'prefork', ['warmup']],
  ['data', 'manager', []],
  ['data', 'manager', [SMALL]],
  ['data', 'cluster-rr', []],
];

/** Seconds: a process that rests gives memory back, which must not count. */
const REST = 15;
const memoryName = (application, way, flags) => ['memory', application, way, ...flags].join(' ');

const memory = {
  name: 'memory',
  title: 'Private memory of a worker, MB',
  turns: 1,
  async measure(samples, { requests }) {
    const present = MEMORY.filter(([, way]) => peers[way] !== false);
    const trivial = present.filter(([application]) => application === 'trivial');
    // Only in these do a few hundred kilobytes more or less matter.
    for (const [application, way, flags] of [...trivial, ...trivial, ...present]) {
      const server = await start(way, 2, application, flags);
      loadRequests(server.port, application === 'trivial' ? Math.min(10_000, requests) : requests);
      await setTimeout(REST * 1000);
      samples.note(memoryName(application, way, flags), server.workers.map(privateMemory));
      await server.stop();
    }
  },
  header: ['server', 'trivial, after 10,000 requests', '400 MB of data, after 200,000 requests'],
  rows: (s) =>
    [
      ['fork()', 'prefork', []],
      ['fork() after warmup()', 'prefork', ['warmup']],
      ['the process manager', 'manager', []],
      [`the process manager with ${SMALL}`, 'manager', [SMALL]],
      ['cluster', 'cluster-rr', []],
      ['PM2, cluster mode', 'pm2', []],
      ['gunicorn --preload', 'gunicorn', []],
      ['Tornado', 'tornado', []],
    ].map(([name, way, flags]) => [
      name,
      s.median(memoryName('trivial', way, flags)),
      s.median(memoryName('data', way, flags)),
    ]),
};

const growth = {
  name: 'growth',
  title: 'The parent before and after 10,000 forks',
  turns: 1,
  measure(samples, { forks: count }) {
    const { before, after } = node('growth.js', [count], ['--expose-gc']);
    for (const name of Object.keys(before)) {
      samples.note(`growth ${name} before`, before[name]);
      samples.note(`growth ${name} after`, after[name]);
    }
  },
  header: ['', 'before', 'after'],
  rows: (s) =>
    [
      ['resident memory, MB', 'rss'],
      ['descriptors', 'descriptors'],
      ['mappings', 'mappings'],
    ].map(([text, name]) => [text, s.median(`growth ${name} before`), s.median(`growth ${name} after`)]),
};

/** What `parallel.js` calls it, and its name in the table. */
const PARALLEL_WAYS = {
  'prefork-imap': 'Pool.imapUnordered',
  prefork: 'Pool.map',
  piscina: 'piscina',
  tinypool: 'tinypool',
  workerpool: 'workerpool',
  worker_threads: 'node:worker_threads',
  child_process: 'node:child_process',
};
/** Of a call of `parallel.js`: its figures, by their headings. */
const PARALLEL_CALLS = [
  {
    args: ['first', 100],
    figures: {
      'first of 100 answers, ms': 'first',
      'all, ms': 'all',
      'longest pause of the loop, ms': 'still',
      'memory, MB': 'memory',
    },
  },
  { args: ['tasks', 400, 1], figures: { '400 tasks of 1 ms, ms': 'all' } },
];
const parallelNames = PARALLEL_CALLS.flatMap(({ args: [what], figures }) =>
  Object.values(figures).map((figure) => `parallel ${what} ${figure}`),
);

const parallel = {
  name: 'parallel',
  title: 'Two children or threads: 100 questions about 100 MB of objects; tasks of a millisecond',
  turns: 5,
  measure(samples) {
    for (const { args, figures } of PARALLEL_CALLS) {
      for (const way of Object.keys(PARALLEL_WAYS)) {
        if (!peers.piscina && /^(piscina|tinypool|workerpool)$/.test(way)) continue;
        const [what, ...numbers] = args;
        const measured = node('parallel.js', [what, way, ...numbers], LARGE_HEAP);
        for (const figure of Object.values(figures)) {
          samples.note(`parallel ${what} ${figure} ${way}`, measured[figure]);
        }
      }
    }
  },
  header: ['', ...PARALLEL_CALLS.flatMap(({ figures }) => Object.keys(figures))],
  rows: (s) =>
    Object.entries(PARALLEL_WAYS).map(([way, name]) => [
      name,
      ...parallelNames.map((figure) => s.median(`${figure} ${way}`)),
    ]),
};

export const benchmarks = [
  forks,
  layout,
  ready,
  spawns,
  jit,
  throughput,
  spread,
  tail,
  latency,
  memory,
  growth,
  parallel,
];
