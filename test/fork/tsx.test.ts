/** Programs that tsx compiles can fork while they are loaded, whether or not its cache is there, and go on to be compiled. */
import { mkdtempSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, onTestFinished, test } from 'vitest';
import { Program, type Result } from '../helpers/run';

const FIXTURES = join(__dirname, '..', 'fixtures', 'fork', 'tsx');
const ROOT = join(__dirname, '..', '..');
const CLI = require.resolve('tsx/cli');

const WAYS: [name: string, words: string[]][] = [
  ['npx tsx', [CLI]],
  ['node --import tsx', ['--import', 'tsx']],
];

/** With a cache that is empty. */
const temporaryFolder = (): string => mkdtempSync(join(tmpdir(), 'cache-'));

async function run(words: string[], file: string, folder: string, env = {}): Promise<Result> {
  const program = new Program(process.execPath, [...words, join(FIXTURES, file)], {
    env: { TMPDIR: folder, ...env },
  });
  onTestFinished(() => program.killGroup());
  return program.result;
}

const sorted = ({ stdout }: Result): string[] => stdout.trim().split('\n').sort();

/**
 * Node 26 writes a file by one request of its thread pool: nothing tells when that is done, so fork() refuses until the
 * event loop has heard of it.
 */
const isOpaque = Number(process.versions.node.split('.')[0]) >= 26;

test.skipIf(isOpaque).each(WAYS)(
  '%s: a fork at the top level, twice',
  { timeout: 120_000 },
  async (_, words) => {
    const folder = temporaryFolder();
    for (let i = 0; i < 2; i++) {
      const result = await run(words, 'top-level.ts', folder);
      expect({ ...result, stdout: sorted(result) }).toMatchObject({
        status: 0,
        stdout: ['child', 'status 7'],
        stderr: '',
      });
    }
    // Parent and child have not written it both.
    const [tsx = ''] = readdirSync(folder);
    const cached = readdirSync(join(folder, tsx)).filter((name) => /^\d+-/.test(name));
    const codes = cached.map((name) => JSON.parse(readFileSync(join(folder, tsx, name), 'utf8')).code);
    expect(codes.some((code) => code.includes('waitstatusToExitcode'))).toBe(true);
  },
);

test.skipIf(isOpaque).each(WAYS)('%s: forkProcesses()', { timeout: 120_000 }, async (_, words) => {
  const result = await run(words, 'service.ts', temporaryFolder());
  expect({ ...result, stdout: sorted(result) }).toMatchObject({
    status: 0,
    stdout: ['worker 0', 'worker 1'],
    stderr: '',
  });
});

test.skipIf(isOpaque).each(WAYS)(
  '%s: forkProcesses() does not mind the thread of its hooks if this package was there first',
  { timeout: 120_000 },
  async (_, words) => {
    const env = { NODE_OPTIONS: `--require=${ROOT}` };
    const result = await run(words, 'service.ts', temporaryFolder(), env);
    expect({ ...result, stdout: sorted(result) }).toMatchObject({
      status: 0,
      stdout: ['worker 0', 'worker 1'],
      stderr: '',
    });
  },
);

test.each(WAYS)(
  '%s: without a cache nothing of it is in flight, on every Node',
  { timeout: 120_000 },
  async (_, words) => {
    const env = { TSX_DISABLE_CACHE: '1' };
    const forked = await run(words, 'top-level.ts', temporaryFolder(), env);
    expect({ ...forked, stdout: sorted(forked) }).toMatchObject({ status: 0, stdout: ['child', 'status 7'] });
    const served = await run(words, 'service.ts', temporaryFolder(), env);
    expect({ ...served, stdout: sorted(served) }).toMatchObject({
      status: 0,
      stdout: ['worker 0', 'worker 1'],
    });
  },
);

/** As many files as are worth some time, none of them in any cache. */
function folderOfSources(): string {
  const folder = mkdtempSync(join(tmpdir(), 'sources-'));
  const values = Array.from({ length: 10 }, (_, i) => i);
  for (const i of values) writeFileSync(join(folder, `${i}.ts`), `export const value: number = ${i};\n`);
  return folder;
}

test.each(WAYS)(
  '%s: parent, child and quiet child compile at the same time, and none has the code of another',
  { timeout: 120_000 },
  async (_, words) => {
    const env = { SOURCES: folderOfSources(), TSX_DISABLE_CACHE: '1' };
    const result = await run(words, 'compiles-later.ts', temporaryFolder(), env);
    expect({ ...result, stdout: sorted(result) }).toMatchObject({
      status: 0,
      stdout: ['child 45', 'parent 45', 'quiet 45'],
      stderr: '',
    });
  },
);

test('esbuild: parent and child have a service each', async () => {
  const program = new Program(process.execPath, [join(FIXTURES, '..', 'esbuild.js')], {});
  onTestFinished(() => program.killGroup());
  expect(await program.result).toMatchObject({ status: 0, stdout: 'status 7\n', stderr: '' });
});

test.each(WAYS)('%s: a request of its own is still in the way', { timeout: 120_000 }, async (_, words) => {
  expect(await run(words, 'own-request.ts', temporaryFolder())).toMatchObject({
    stdout: 'ERR_PREFORK_BUSY\n',
  });
});

test.each(WAYS)('%s: forkWhenIdle(), on every Node', { timeout: 120_000 }, async (_, words) => {
  const result = await run(words, 'when-idle.ts', temporaryFolder());
  expect({ ...result, stdout: sorted(result) }).toMatchObject({
    status: 0,
    stdout: ['child', 'status 7'],
    stderr: '',
  });
});

test.runIf(isOpaque).each(WAYS)(
  '%s: on Node 26 a fork at the top level of what is not in the cache yet is refused, with a word of what to do',
  { timeout: 120_000 },
  async (_, words) => {
    const result = await run(words, 'top-level.ts', temporaryFolder());
    expect(result.stderr).toContain('ERR_PREFORK_BUSY');
    expect(result.stderr).toContain('Or start with TSX_DISABLE_CACHE=1');
    expect(result.status).toBe(1);
  },
);
