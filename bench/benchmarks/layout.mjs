/** What the layout of the heap does to a fork, and to the program. */
import { sizeName } from '../lib/heaps.mjs';
import { buildFloor, LARGE_HEAP, node } from '../lib/programs.mjs';

const LAYOUT_WAYS = { plain: "V8's own", gathered: 'gathered', huge: 'gathered, on huge pages' };
const LAYOUT_SIZES = [0, 400, 1000];
/** What a program of `layout.js` prints, and its heading. */
const LAYOUT_FIGURES = {
  fork: 'fork() to the first line, ms',
  clone: 'bare clone, ms',
  end: "an idle child's end, ms",
  exit: "a child's end after a full collection, ms",
  write: 'writing to 1 % of the objects in a child, ms',
  private: 'its own memory then, MB',
  read: 'reading all, ms',
  collect: 'full collection, ms',
  warmup: 'warmup(), ms',
  rss: 'resident, MB',
  pageTables: 'page tables, MB',
  mappings: 'mappings',
};

export const layout = {
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
