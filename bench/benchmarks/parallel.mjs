/** Pool beside pools of threads and processes. */
import { peers } from '../lib/peers.mjs';
import { LARGE_HEAP, node } from '../lib/programs.mjs';

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

export const parallel = {
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
