/** How long a fork takes, by heap, beside a bare clone and CPython. */
import { SIZES, sizeName } from '../lib/heaps.mjs';
import { peers } from '../lib/peers.mjs';
import { buildFloor, LARGE_HEAP, node, python } from '../lib/programs.mjs';

export const forks = {
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
