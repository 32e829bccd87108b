/** prefork/vitest: the same result in every file as in vitest's own pool, and a process for each. */
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { preforkPool } from 'prefork/vitest';
import { expect, test } from 'vitest';
import { folderWith, program } from '../helpers/command';
import { ROOT } from '../helpers/stdin';
import { clean } from '../testing/runners';
import { outcome, testSuite } from './compare';
import { OWN } from './installed';

testSuite(OWN);

test.each([
  ['isolate: false', { ISOLATE: 'no' }, 'files are to share a process'],
  ['no addon in the processes of the pool', { EXEC_ARGV: '--no-addons' }, 'nothing can be forked here'],
])('With %s the files run in forks, and one warning says why.', async (_, env, why) => {
  const { status, files, stderr } = await outcome('suite', 'prefork', ['--project=setup'], env);
  const state = Object.values(files).map((file) => (file as { status: string }).status);
  expect({ status, state }, stderr).toEqual({ status: 0, state: ['passed', 'passed'] });
  const warnings = stderr.split('\n').filter((line) => line.includes('prefork/vitest:'));
  expect(warnings).toEqual([expect.stringMatching(new RegExp(`of project setup run in .* forks: .*${why}`))]);
});

test('In another run, as in watch mode, a file that has changed is loaded anew, and nothing of the former is left.', async () => {
  const file = (value: number) => `export const value = ${value};`;
  const folder = folderWith({
    'package.json': '{ "type": "module" }',
    'vitest.config.mjs': `import prefork from ${JSON.stringify(join(ROOT, 'dist', 'vitest.js'))};
      export default { test: { pool: prefork.preforkPool() } };`,
    'value.mjs': file(1),
    'value.test.mjs': `import { test } from 'vitest'; import { value } from './value.mjs';
      test('prints', () => console.log('value=' + value + ', parents=' + process.ppid));`,
    'runs.mjs': `import { writeFileSync } from 'node:fs'; import { createVitest } from 'vitest/node';
      const vitest = await createVitest('test', { watch: false, reporters: 'verbose' });
      await vitest.start();
      writeFileSync('value.mjs', '${file(2)}');
      vitest.invalidateFile(process.cwd() + '/value.mjs');
      await vitest.rerunFiles();
      await vitest.close();`,
  });
  const runs = program(process.execPath, ['runs.mjs'], { env: { ...clean(), NO_COLOR: '1' }, cwd: folder });
  const { status, stderr } = await runs.result;
  expect({ status, values: runs.numbers('value') }, stderr).toEqual({ status: 0, values: [1, 2] });
  const [first, second] = runs.numbers('parents');
  expect(second).not.toBe(first);
});

test('Who closes vitest as soon as a run is over leaves the processes of its files time to end.', async () => {
  const folder = folderWith({
    'package.json': '{ "type": "module" }',
    'vitest.config.mjs': `import prefork from ${JSON.stringify(join(ROOT, 'dist', 'vitest.js'))};
      export default { test: { pool: prefork.preforkPool(), environment: './environment.mjs' } };`,
    'environment.mjs': `import { existsSync, writeFileSync } from 'node:fs'; import { setTimeout } from 'node:timers/promises';
      async function teardown() {
        while (!existsSync('closing')) await setTimeout(1);
        for (let i = 0; i < 100; i++) await setTimeout(1); // it would have been killed by now
        writeFileSync('torn-down', '');
      }
      export default { name: 'own', viteEnvironment: 'ssr', transformMode: 'ssr', setup: () => ({ teardown }) };`,
    'one.test.mjs': `import { test } from 'vitest'; test('passes', () => {});`,
    'runs.mjs': `import { writeFileSync } from 'node:fs'; import { createVitest } from 'vitest/node';
      let closed;
      const onTestRunEnd = () => {
        closed = vitest.close();
        writeFileSync('closing', '');
      };
      const vitest = await createVitest('test', { watch: false, reporters: [{ onTestRunEnd }] });
      await vitest.start();
      await closed;`,
  });
  const runs = program(process.execPath, ['runs.mjs'], { env: { ...clean(), NO_COLOR: '1' }, cwd: folder });
  const { status, stdout, stderr } = await runs.result;
  const isTornDown = existsSync(join(folder, 'torn-down'));
  expect({ status, isTornDown }, stdout + stderr).toEqual({ status: 0, isTornDown: true });
  expect(stderr).not.toContain('Timeout');
});

test('A package to preload is evaluated once, and each file has its own of it; one that does more than define is refused.', async () => {
  const file = `import heavy from 'heavy'; import { expect, test } from 'vitest';
    test('has its own', () => {
      expect(heavy.touched).toBeUndefined();
      heavy.touched = true;
      expect(heavy.loadedIn).toBe(process.ppid);
    });`;
  const preload = ['registers', 'heavy', 'opens', 'missing', 'dies'];
  const folder = folderWith(
    {
      'package.json': '{ "type": "module" }',
      'vitest.config.mjs': `import prefork from ${JSON.stringify(join(ROOT, 'dist', 'vitest.js'))};
        const pool = prefork.preforkPool({ preload: ${JSON.stringify(preload)} });
        export default { test: { pool, globals: true, maxWorkers: 2 } };`,
      'one.test.mjs': file,
      'other.test.mjs': file,
      'node_modules/heavy/index.js': 'exports.loadedIn = process.pid;',
      'node_modules/registers/index.js': 'afterEach(() => {});',
      'node_modules/opens/index.js': 'setInterval(() => {}, 1000);',
      'node_modules/dies/index.js': 'process.kill(process.pid, "SIGKILL");',
    },
    { packages: false },
  );
  const args = [join(ROOT, 'node_modules', 'vitest', 'vitest.mjs'), 'run'];
  const run = program(process.execPath, args, { env: { ...clean(), NO_COLOR: '1' }, cwd: folder });
  const { status, stdout, stderr } = await run.result;
  const refused = [...stderr.matchAll(/prefork\/vitest: (.*) is not loaded before the files: (.*)/g)];
  expect({ status, refused: refused.map(([, names]) => names) }, stdout + stderr).toEqual({
    status: 0,
    refused: ['registers', 'opens', 'missing', 'dies'],
  });
});

test('Options of another name, or kind, are refused.', () => {
  expect(() => preforkPool({ preloads: [] } as never)).toThrow('preloads');
  expect(() => preforkPool({ preload: 'antd' } as never)).toThrow('an array of names for options.preload');
});
