/** What compiled code costs on each side of a fork. */
import { node } from '../lib/programs.mjs';

export const jit = {
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
