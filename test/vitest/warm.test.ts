/** prefork/vitest, warm: what is evaluated before a file is what the file would have evaluated, in the same order. */
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { preforkPool } from 'prefork/vitest';
import { expect, test } from 'vitest';
import { type Files, folderWith, program } from '../helpers/command';
import { ROOT } from '../helpers/stdin';
import { clean } from '../testing/runners';

const dist = (name: string) => JSON.stringify(join(ROOT, 'dist', name));

/** So many bytes that it is worth a process. */
const LARGE = `/* ${'.'.repeat(30_000)} */`;

/** Not `process.pid`, which is noticed. */
const LOADED_IN = `import { createRequire } from 'node:module';
  const { getpid } = createRequire(import.meta.url)(${dist('os.js')});
  export const loadedIn = getpid();
  export const here = getpid;`;

async function run(files: Files, options = '{}') {
  const folder = folderWith(
    {
      'package.json': '{ "type": "module" }',
      'vitest.config.mjs': `import prefork from ${dist('vitest.js')};
        export default { test: { pool: prefork.preforkPool(${options}), maxWorkers: 1, setupFiles: ['./setup.mjs'] } };`,
      'setup.mjs': '',
      ...files,
    },
    { packages: false },
  );
  const vitest = join(ROOT, 'node_modules', 'vitest', 'vitest.mjs');
  const args = [vitest, 'run', '--reporter=json', '--reporter=default', '--outputFile.json=report.json'];
  const { status, stdout, stderr } = await program(process.execPath, args, {
    env: { ...clean(), NO_COLOR: '1', CI: '' },
    cwd: folder,
  }).result;
  const report = join(folder, 'report.json');
  expect(existsSync(report), stdout + stderr).toBe(true);
  const { testResults, snapshot } = JSON.parse(readFileSync(report, 'utf8'));
  const states = (testResults as { assertionResults: { status: string }[] }[]).map(({ assertionResults }) =>
    assertionResults.map(({ status }) => status),
  );
  return { folder, status, stdout, stderr, states, snapshot };
}

/** The same file, so many times. */
function times(count: number, content: string): Files {
  return Object.fromEntries(Array.from({ length: count }, (_, i) => [`${i}.test.mjs`, content]));
}

test('Files that begin with the same modules find them evaluated, after the setup files, once, each with its own of them.', async () => {
  const { status, stdout, stderr } = await run({
    'setup.mjs': `import { beforeEach, expect } from 'vitest';
      globalThis.order = [...(globalThis.order ?? []), 'setup'];
      beforeEach(() => { globalThis.hooks = (globalThis.hooks ?? 0) + 1; });`,
    'first.mjs': `${LOADED_IN} ${LARGE} globalThis.order.push('first');`,
    'second.mjs': `import './first.mjs'; ${LARGE} globalThis.order.push('second'); export const state = [];`,
    ...times(
      5,
      `import { loadedIn, here } from './first.mjs'; import { state } from './second.mjs';
      import { expect, test } from 'vitest';
      globalThis.order.push('file');
      test('has its own', () => {
        state.push(1);
        expect([state, globalThis.hooks, globalThis.order]).toEqual([[1], 1, ['setup', 'first', 'second', 'file']]);
        expect(expect.getState().testPath).toBe(import.meta.filename);
        console.log(loadedIn === here() ? 'loaded=1' : 'loaded=0');
      });`,
    ),
  });
  const loaded = [...stdout.matchAll(/loaded=(\d)/g)].map(([, digit]) => Number(digit));
  expect({ status, loaded: loaded.length }, stdout + stderr).toEqual({ status: 0, loaded: 5 });
  // The first file is alone, the second is the first to be looked at.
  expect(loaded.filter((each) => each === 0).length, stdout + stderr).toBe(3);
});

test('A module is evaluated by each file if another one does not need it, or if it does more than define.', async () => {
  const { status, stdout, stderr } = await run({
    'base.mjs': `${LOADED_IN} ${LARGE} globalThis.switched = false;`,
    'switch.mjs': `import './base.mjs'; ${LARGE} globalThis.switched = true;`,
    'prints.mjs': `import './base.mjs'; console.log('printed=1'); ${LARGE}`,
    'writes.mjs': `import { appendFileSync } from 'node:fs'; appendFileSync('written', 'x'); ${LARGE}`,
    'numbered.mjs': `export const id = process.env.VITEST_POOL_ID + process.pid; ${LARGE}`,
    'random.mjs': `export const id = Math.random(); ${LARGE}`,
    ...times(
      4,
      `import './base.mjs'; import './prints.mjs'; import './writes.mjs'; import './numbered.mjs';
      import { id } from './random.mjs';
      import { expect, test } from 'vitest';
      test('is not switched', () => {
        expect(globalThis.switched).toBe(false);
        console.log('random=' + id);
      });`,
    ),
    'switched-1.test.mjs': `import './switch.mjs'; import { expect, test } from 'vitest';
      test('is switched', () => expect(globalThis.switched).toBe(true));`,
    'switched-2.test.mjs': `import './switch.mjs'; import { expect, test } from 'vitest';
      test('is switched', () => expect(globalThis.switched).toBe(true));`,
    'switched-3.test.mjs': `import './switch.mjs'; import { expect, test } from 'vitest';
      test('is switched', () => expect(globalThis.switched).toBe(true));`,
  });
  const ids = [...stdout.matchAll(/random=(\S+)/g)].map(([, id]) => id);
  expect({ status, printed: stdout.match(/printed=1/g)?.length }, stdout + stderr).toEqual({
    status: 0,
    printed: 4,
  });
  expect(new Set(ids).size).toBe(4);
});

test('A file that fails where modules are evaluated before is run alone: that result is the only one, and a warning says so.', async () => {
  const { folder, status, stdout, stderr, states, snapshot } = await run({
    'base.mjs': `${LOADED_IN} ${LARGE}`,
    ...times(
      4,
      `import { loadedIn, here } from './base.mjs'; import { expect, test } from 'vitest';
      test('has loaded it itself', () => {
        console.log('tried=1');
        expect('a snapshot').toMatchSnapshot();
        expect(loadedIn).toBe(here());
      });`,
    ),
  });
  expect({ status, states }, stdout + stderr).toEqual({ status: 0, states: Array(4).fill(['passed']) });
  expect(snapshot).toMatchObject({ added: 4, filesAdded: 4, matched: 0, unmatched: 0 });
  expect(stdout.match(/tried=1/g)?.length).toBe(4);
  const warnings = stderr.split('\n').filter((line) => line.includes('has another result'));
  expect(warnings, stderr).toEqual(Array(2).fill(expect.stringContaining('has loaded it itself')));
  expect(warnings.join()).toContain(folder);
});

test('With warm: false each file evaluates all that it imports.', async () => {
  const { status, stdout, stderr } = await run(
    {
      'base.mjs': `${LOADED_IN} ${LARGE}`,
      ...times(
        3,
        `import { loadedIn, here } from './base.mjs'; import { expect, test } from 'vitest';
        test('has loaded it itself', () => expect(loadedIn).toBe(here()));`,
      ),
    },
    '{ warm: false }',
  );
  expect({ status, warned: stderr.includes('has another result') }, stdout + stderr).toEqual({
    status: 0,
    warned: false,
  });
});

test('Option warm is auto or false.', () => {
  expect(() => preforkPool({ warm: true as never })).toThrow("'auto' or false for options.warm");
});
