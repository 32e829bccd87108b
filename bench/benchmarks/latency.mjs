/** The first requests of a new worker. */
import { createRequire } from 'node:module';
import { join } from 'node:path';
import { start } from '../lib/load.mjs';
import { output } from '../lib/peers.mjs';
import { PROGRAMS } from '../lib/places.mjs';
import { buildClient } from '../lib/programs.mjs';
import { QUANTILES, quantile } from '../lib/samples.mjs';

const FIRST_REQUESTS = 1000;
/** How each kind of worker starts, and its name in the table. */
const LATENCY_WAYS = {
  rehearsed: ['prefork', ['rehearsal'], 'fork() after rehearse() and warmup()'],
  prefork: ['prefork', ['warmup'], 'fork() after warmup()'],
  'cluster-rr': ['cluster-rr', [], 'cluster, round-robin'],
  'cluster-shared': ['cluster-shared', [], 'cluster, shared handle'],
};

export const latency = {
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
