/** How long it takes until a worker listens, beside cluster. */
import { createRequire } from 'node:module';
import { join } from 'node:path';
import { PROGRAMS } from '../lib/places.mjs';
import { node } from '../lib/programs.mjs';

const APPLICATIONS = {
  trivial: 'trivial server',
  express: 'Express with 300 modules',
  slow: 'takes 1 s to load',
};

export const ready = {
  name: 'ready',
  title: 'Milliseconds from the call to a worker that listens',
  turns: 3,
  measure(samples, { rounds }) {
    createRequire(import.meta.url)(join(PROGRAMS, 'application.js')).writeModules();
    for (const application of Object.keys(APPLICATIONS)) {
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
    Object.entries(APPLICATIONS).map(([application, name]) => [
      name,
      s.median(`prefork line ${application}`),
      s.median(`prefork listening ${application}`),
      s.median(`prefork-cold listening ${application}`),
      s.median(`cluster listening ${application}`),
      s.ratio(`cluster listening ${application}`, `prefork listening ${application}`),
      s.median(`child_process line ${application}`),
    ]),
  logarithmic: true,
  plot: (s) =>
    Object.entries(APPLICATIONS).flatMap(([application, name]) =>
      ['prefork', 'cluster'].map((way) => ({
        group: name,
        series: way === 'prefork' ? 'fork()' : 'cluster.fork()',
        value: s.median(`${way} listening ${application}`),
      })),
    ),
};
