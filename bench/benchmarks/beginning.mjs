/** What parts of a worker's beginning cost: the bell by which others wake it, and what looks whether it is to record something. */
import { join } from 'node:path';
import { quietOutput } from '../lib/peers.mjs';
import { PROGRAMS } from '../lib/places.mjs';

const TIMES = 40;

export const beginning = {
  name: 'beginning',
  title: 'Milliseconds of processor time from the fork to a worker that listens',
  turns: 9,
  isInDocs: false,
  measure(samples) {
    for (const without of ['nothing', 'bell', 'recorder']) {
      const line = [join(PROGRAMS, 'beginning.js'), without, TIMES];
      const costs = quietOutput(process.execPath, line).split('\n').map(Number);
      samples.note(`beginning without ${without}`, costs.slice(1)); // the first is served by nobody else yet
    }
  },
  header: ['as it is', 'without its bell', 'without the recorder'],
  rows: (s) => [['nothing', 'bell', 'recorder'].map((without) => s.median(`beginning without ${without}`))],
};
