/** Runs of test files that each have a process of their own: started, or forked. */
import { execFileSync } from 'node:child_process';
import { join } from 'node:path';
import { ROOT } from '../lib/places.mjs';
import { PACKAGES, testProject } from '../lib/test-projects.mjs';

const COMMAND = join(ROOT, 'dist', 'cli', 'main.js');
const VITEST = join(ROOT, 'node_modules', 'vitest', 'vitest.mjs');
const preloaded = PACKAGES.map((name) => `'${name}'`).join(', ');

const NODE_TEST = {
  'node --test': ['--test'],
  'prefork test': [COMMAND, 'test'],
  'prefork test --with': [COMMAND, 'test', ...PACKAGES.flatMap((name) => ['--with', name])],
};
/** Their names in the table; the configuration's, and its pool. */
const POOLS = {
  'vitest, forks': ['forks', "'forks'"],
  'vitest, threads': ['threads', "'threads'"],
  'vitest, preforkPool()': ['prefork', 'preforkPool()'],
  'vitest, preforkPool({ preload })': ['preload', `preforkPool({ preload: [${preloaded}] })`],
};

/** Seconds; a file that fails is an error. */
function seconds(cwd, args) {
  const begin = performance.now();
  execFileSync(process.execPath, args, { cwd, stdio: ['ignore', 'ignore', 'ignore'] });
  return (performance.now() - begin) / 1000;
}

export const testing = {
  name: 'testing',
  title: 'Seconds for test files that each load two large packages, two at a time',
  turns: 3,
  measure(samples, { files }) {
    const forNode = testProject('node', files);
    for (const [name, words] of Object.entries(NODE_TEST)) {
      samples.note(`testing ${name}`, seconds(forNode, [...words, '--test-concurrency=2']));
    }
    const forVitest = testProject('vitest', files, Object.fromEntries(Object.values(POOLS)));
    for (const [name, [file]] of Object.entries(POOLS)) {
      const words = [VITEST, 'run', '--root', forVitest, '--config', `${file}.config.mjs`];
      samples.note(`testing ${name}`, seconds(forVitest, words));
    }
  },
  header: ['', 'seconds', 'times as fast as a new process for each file'],
  rows: (s) =>
    Object.entries({ 'node --test': NODE_TEST, 'vitest, forks': POOLS }).flatMap(([usual, ways]) =>
      Object.keys(ways).map((name) => [
        name,
        s.median(`testing ${name}`),
        s.ratio(`testing ${usual}`, `testing ${name}`),
      ]),
    ),
};
