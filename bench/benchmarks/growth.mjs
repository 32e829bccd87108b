/** What 10,000 forks leave behind in the parent. */
import { node } from '../lib/programs.mjs';

export const growth = {
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
