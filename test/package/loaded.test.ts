/** What requiring an entry of the package loads: nothing that it has no use for. Each file is a third of a millisecond. */
import { describe, expect, test } from 'vitest';
import { run } from '../helpers/run';

interface Loaded {
  files: string[];
  builtins: string[];
}

async function loadedBy(entry: string): Promise<Loaded> {
  const { status, stdout, stderr } = await run('package/loaded.js', { args: [entry] });
  expect(status, stderr).toBe(0);
  return JSON.parse(stdout) as Loaded;
}

/** What costs milliseconds, or more than that in every child, and is loaded when somebody wants it. */
const LATER = ['internal/crypto/random', 'internal/child_process', 'cluster', 'tls', 'http', 'dns'];

/** Folders and files of dist/ that have nothing to do with a function in a child. */
const ELSEWHERE =
  /^(index\.js|cli\/|jest|log|manager\/|node-test\/|servers\/|sockets\/|testing\/|vitest|warmup\/)/;

describe.each([
  ['parallel', 55],
  ['multiprocessing', 68],
])('prefork/%s', (entry, most) => {
  test('loads none of the modules of other entries.', async () => {
    const { files } = await loadedBy(entry);
    expect(files.filter((file) => ELSEWHERE.test(file))).toEqual([]);
  });

  test('loads none of what only refused forks and errors want.', async () => {
    const { files } = await loadedBy(entry);
    const rare = ['active', 'openings', 'refuse-in-flight', 'tsx', 'random/vm-contexts'];
    expect(files.filter((file) => rare.includes(file.replace(/^fork\/(.*)\.js$/, '$1')))).toEqual([]);
  });

  test(`loads at most ${most} files.`, async () => {
    const { files } = await loadedBy(entry);
    expect(files.length).toBeGreaterThan(10);
    expect(files.length, files.join(' ')).toBeLessThanOrEqual(most);
  });
});

test('A manager has none of the commands that are over at once in its memory.', async () => {
  const { files } = await loadedBy('cli/command');
  expect(files.filter((file) => /^(cli\/(outside|writes|test-files)|node-test)/.test(file))).toEqual([]);
});

test.each(['index', 'os', 'parallel', 'multiprocessing'])(
  'prefork/%s leaves alone what a program may have no use for.',
  async (entry) => {
    const { builtins } = await loadedBy(entry);
    expect(builtins.filter((name) => LATER.includes(name))).toEqual([]);
  },
);
