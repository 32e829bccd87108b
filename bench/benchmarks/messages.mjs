/** What a message from one worker to three others costs, beside cluster, where it goes through the primary. */
import { join } from 'node:path';
import { quietOutput } from '../lib/peers.mjs';
import { PROGRAMS, ROOT } from '../lib/places.mjs';
import { node } from '../lib/programs.mjs';

/** Messages, bytes of each, and how many in a turn of the loop. */
const KINDS = [
  [10_000, 100, 1],
  [10_000, 100, 50],
  [300, 10_000, 1],
];

function managed(args) {
  const command = [join(ROOT, 'dist', 'cli', 'main.js'), '-w', '4', '--no-config'];
  const line = [...command, join(PROGRAMS, 'messages.js'), '--', ...args];
  return JSON.parse(quietOutput(process.execPath, line, { PREFORK_BENCH: '1' }));
}

const nameOf = ([, size, posts]) => `${size} bytes, ${posts} a turn`;

export const messages = {
  name: 'messages',
  title: 'Microseconds of processor time for a message from one worker to three others',
  turns: 5,
  isInDocs: false,
  measure(samples) {
    for (const kind of KINDS) {
      for (const [way, run] of [
        ['broadcast', managed],
        ['cluster', (args) => node('messages.js', args)],
      ]) {
        const costs = run(kind);
        for (const [who, cost] of Object.entries(costs)) samples.note(`${way} ${who} ${nameOf(kind)}`, cost);
      }
    }
  },
  header: ['messages', 'broadcast(): sender', 'each receiver', 'cluster: sender', 'primary', 'each receiver'],
  rows: (s) =>
    KINDS.map((kind) => [
      nameOf(kind),
      s.median(`broadcast sender ${nameOf(kind)}`),
      s.median(`broadcast receiver ${nameOf(kind)}`),
      s.median(`cluster sender ${nameOf(kind)}`),
      s.median(`cluster between ${nameOf(kind)}`),
      s.median(`cluster receiver ${nameOf(kind)}`),
    ]),
};
