/** What processes share, beside CPython's multiprocessing. */
import { peers } from '../lib/peers.mjs';
import { node, python } from '../lib/programs.mjs';

/** Names in the table; what the programs call it, how often in a round, and how many bytes. */
const DEEDS = {
  'Lock: acquire and release': ['lock', 20_000],
  'the same, two processes at a time': ['contended', 4_000],
  'Queue: a message of 100 bytes': ['queue', 2_000, 100],
  'a message of 1 MB': ['queue', 40, 1_000_000],
  'Pipe: 100 bytes there and back': ['pipe', 1_000, 100],
  'Process: start and join': ['process', 10],
};
const nameOf = (way, deed) => `multiprocessing ${way} ${deed}`;

export const multiprocessing = {
  name: 'multiprocessing',
  title: 'Microseconds of what processes share, and of a process',
  turns: 5,
  measure(samples, { rounds }) {
    for (const [deed, [what, count, ...bytes]] of Object.entries(DEEDS)) {
      const args = [what, count * rounds, ...bytes];
      samples.note(nameOf('prefork', deed), node('multiprocessing.js', args).each);
      if (peers.python) samples.note(nameOf('python', deed), python(args, 'cpython_multiprocessing.py').each);
    }
  },
  header: ['', 'prefork/multiprocessing', 'CPython multiprocessing', 'prefork : CPython'],
  rows: (s) =>
    Object.keys(DEEDS).map((deed) => [
      deed,
      s.median(nameOf('prefork', deed)),
      s.median(nameOf('python', deed)),
      s.ratio(nameOf('prefork', deed), nameOf('python', deed)),
    ]),
};
