/** How long child_process.spawn() blocks, before and after forks. */
import { sizeName } from '../lib/heaps.mjs';
import { LARGE_HEAP, node } from '../lib/programs.mjs';

export const spawns = {
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
