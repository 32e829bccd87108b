import { mkdtempSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, onTestFinished, test } from 'vitest';
import { compile } from '../helpers/compile';
import { Program, run } from '../helpers/run';

interface Given {
  flags?: string[];
  how?: 'plain';
  env?: Record<string, string>;
}

const GATHERS = join(__dirname, '..', 'fixtures', 'warmup', 'gathers.js');

/** What test/fixtures/warmup/gathers.js answers. */
async function gathers(deed: string, { flags = [], how, env = {} }: Given = {}) {
  const args = [...flags, GATHERS, deed, ...(how === undefined ? [] : [how])];
  const program = new Program(process.execPath, args, { env, deadman: 120_000 });
  onTestFinished(() => program.killGroup());
  const { status, signal, stdout, stderr } = await program.result;
  const said = stderr.replace('Warning: disabling flag --expose_wasm due to conflicting flags\n', '');
  expect({ status, signal, said }).toEqual({ status: 0, signal: null, said: '' });
  return JSON.parse(stdout);
}

test('A gathered heap takes a fraction of the mappings and page tables, for all that it grows by.', async () => {
  const plain = await gathers('memory', { how: 'plain' });
  const gathered = await gathers('memory');
  expect(gathered.gathered).toBe(true);
  expect(gathered.inRange).toBeGreaterThan(50 * 2 ** 20);
  expect(gathered.mappings).toBeLessThan(plain.mappings / 2);
  expect(gathered.pageTables).toBeLessThan(plain.pageTables / 2);
});

test('Where pages have been given back others come: whatever comes and goes, the heap lies close together.', async () => {
  const { blocks, sizes } = await gathers('holes');
  expect(Math.max(...blocks)).toBeLessThan(2 * Math.max(...sizes));
});

test('Threads that ask for pages at the same time leave no gaps between them, so that they can lie on huge pages.', async () => {
  const { whole } = await gathers('whole');
  expect(whole).toBeGreaterThan(0.9);
});

test('Heaps of worker threads are gathered, too, and take the place of those that have ended.', async () => {
  const { grown } = await gathers('workers');
  expect(grown[0]).toBeGreaterThan(50 * 2 ** 20);
  expect(grown.at(-1)).toBeLessThan(2 * grown[0]);
});

describe('Children, and theirs, have a gathered heap that they collect, grow, warm up and fork', () => {
  test.each([[[]], [['--max-semi-space-size=64']], [['--jitless']], [['--single-threaded-gc']]])(
    'with the flags %j',
    async (flags) => {
      expect(await gathers('generations', { flags })).toEqual({ gathered: true, marked: true });
    },
  );
});

test('Only heap is gathered, and none of what lies there is code; buffers and memory of WebAssembly are as before.', async () => {
  expect(await gathers('others')).toEqual({ gathered: true, executable: 0, unmarked: 0 });
});

test('warmup() moves it onto huge pages only if it may, makes little memory of what was none, and keeps the kernel off.', async () => {
  const { grown, leftToKernel } = await gathers('hugePages');
  expect(grown).toBeLessThan(1.35);
  expect(leftToKernel).toBe(0);
});

test('Each process has another base.', async () => {
  const bases = await Promise.all([1, 2, 3, 4].map(() => gathers('base')));
  expect(new Set(bases.map(({ result }) => result)).size).toBe(4);
  for (const { result } of bases) expect(result).toBeGreaterThan(2 ** 32);
});

test('Where another library stands in for mmap() it says so, and all is as before.', async () => {
  const library = compile('warmup/other-mmap.c', ['-shared', '-fPIC']);
  const given: Given = { env: { LD_PRELOAD: library } };
  const reason = "mmap() is not the C library's own";
  expect(await gathers('asked', given)).toEqual({ gathered: false, reason });
  expect(await gathers('memory', given)).toMatchObject({ gathered: false, inRange: 0 });
});

test('Asked again it answers the same.', async () => {
  expect(await gathers('asked')).toEqual({ gathered: true });
});

test('A thread that is in the middle of it, and that a child does not get back, leaves nothing locked.', async () => {
  const inside = join(mkdtempSync(join(tmpdir(), 'prefork-test-')), 'inside');
  const slow = compile('warmup/slow-search.c', ['-shared', '-fPIC', '-ldl']);
  const { status, stdout, stderr } = await run('warmup/gathers-in-worker.js', {
    env: { LD_PRELOAD: slow, INSIDE: inside },
  });
  expect({ status, stdout }, stderr).toEqual({ status: 0, stdout: 'true\n' });
});
