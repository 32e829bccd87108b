/** docs/testing.md: what it says of each test runner, and of forks in tests. */
import { existsSync, readdirSync, readFileSync, symlinkSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { folderWith, program } from '../helpers/command';

const ROOT = join(__dirname, '..', '..');
const RUNNERS = join(ROOT, '.node-versions', 'runners', 'node_modules');
const { suite } = require('./suite') as { suite(header: string, prefork: string): string };

interface Counts {
  passed: number;
  failed: number;
}

interface Runner {
  /** What the suite begins with. */
  header: string;
  file: string;
  /** The program, and its arguments. */
  command: string[];
  counts(stdout: string): Counts;
  /** Where it is, if it is fetched. */
  fetched?: string;
  files?: Record<string, string>;
}

const numberIn = (text: string, pattern: RegExp): number => Number(pattern.exec(text)?.[1] ?? -1);
const own = (path: string): string => join(ROOT, 'node_modules', path);
const other = (path: string): string => join(RUNNERS, path);

const tap = (stdout: string): Counts => ({
  passed: (stdout.match(/^(?: {4})?ok \d+ - (?!\S+\.c?js|\d)/gm) ?? []).length,
  failed: (stdout.match(/^(?: {4})?not ok \d+ - (?!\S+\.c?js|\d)/gm) ?? []).length,
});
const jest = (stdout: string): Counts => {
  const { numPassedTests: passed, numFailedTests: failed } = JSON.parse(stdout);
  return { passed, failed };
};

const vitestHeader =
  "import { test } from 'vitest'; import { createRequire } from 'node:module'; const require = createRequire(import.meta.url);";
const vitest = (...options: string[]): Runner => ({
  header: vitestHeader,
  file: 'fork.test.mjs',
  command: [own('vitest/vitest.mjs'), 'run', '--reporter', 'json', ...options],
  counts: jest,
});
const jestWith = (...options: string[]): Runner => ({
  header: '',
  file: 'fork.test.js',
  command: [own('jest/bin/jest.js'), '--json', '--watchman=false', ...options],
  counts: jest,
  // With one file Jest would run it in band, whatever it is told.
  files: {
    'package.json': '{ "jest": { "testEnvironment": "node" } }',
    'other.test.js': 'test("other", () => {});',
  },
});
const mocha = (...options: string[]): Runner => ({
  header: 'const test = it;',
  file: 'fork.spec.js',
  command: [other('mocha/bin/mocha.js'), '--reporter', 'json', ...options, 'fork.spec.js'],
  counts: (stdout) => {
    const { passes: passed, failures: failed } = JSON.parse(stdout).stats;
    return { passed, failed };
  },
  fetched: 'mocha',
});
const ava = (...options: string[]): Runner => ({
  header:
    "const avaTest = require('ava').default; const test = (name, body) => avaTest.serial(name, async (t) => { await body(); t.pass(); });",
  file: 'fork.test.cjs',
  command: [other('ava/entrypoints/cli.mjs'), '--tap', ...options],
  counts: tap,
  fetched: 'ava',
});

const RUNS: Record<string, Runner> = {
  'node:test': {
    header: "const test = require('node:test');",
    file: 'fork.test.js',
    command: ['--test', '--test-reporter=tap', 'fork.test.js'],
    counts: (stdout) => ({
      passed: numberIn(stdout, /^# pass (\d+)/m),
      failed: numberIn(stdout, /^# fail (\d+)/m),
    }),
  },
  'Jest, in band': jestWith('--runInBand'),
  'Jest, in workers': jestWith('--maxWorkers=2'),
  'vitest, pool forks': vitest('--pool', 'forks'),
  'vitest, pool vmForks': vitest('--pool', 'vmForks'),
  mocha: mocha(),
  'mocha, parallel': mocha('--parallel'),
  ava: ava('--no-worker-threads'),
  tap: {
    header:
      "const t = require('tap'); const test = (name, body) => t.test(name, async () => { await body(); });",
    file: 'fork.test.cjs',
    command: [other('tap/dist/esm/run.mjs'), '--disable-coverage', '--reporter=tap', 'fork.test.cjs'],
    counts: tap,
    fetched: 'tap',
  },
  Playwright: {
    header: "const { test } = require('@playwright/test');",
    file: 'fork.spec.js',
    command: [other('@playwright/test/cli.js'), 'test', '--reporter=json'],
    counts: (stdout) => {
      const { expected: passed, unexpected: failed } = JSON.parse(stdout).stats;
      return { passed, failed };
    },
    fetched: '@playwright/test',
  },
};

function project({ header, file, files = {}, fetched }: Runner): string {
  const content = { 'package.json': '{}', ...files, [file]: suite(header, ROOT) };
  const folder = folderWith(content, { packages: fetched === undefined });
  if (fetched !== undefined) symlinkSync(RUNNERS, join(folder, 'node_modules'));
  return folder;
}

const clean = (): Record<string, string> =>
  Object.fromEntries(
    Object.keys(process.env)
      .filter((name) => /^(VITEST|TEST|NODE_V8|NODE_ENV|JEST|TAP|AVA)/.test(name))
      .map((name) => [name, '']),
  );

describe.each(Object.entries(RUNS))('%s', (name, runner) => {
  const { fetched } = runner;
  const isThere = fetched === undefined || existsSync(join(RUNNERS, fetched));

  test.skipIf(!isThere)(
    'Every test is reported once, and the one that fails in its child fails.',
    async () => {
      const cwd = project(runner);
      const { stdout, stderr } = await program(process.execPath, runner.command, { cwd, env: clean() })
        .result;
      const extra = name.startsWith('Jest') ? 1 : 0;
      expect(runner.counts(stdout), `${stdout}${stderr}`).toEqual({ passed: 4 + extra, failed: 1 });
    },
  );
});

/** Runs a file of tests by node:test, without a runner's process around it. */
async function nodeTest(source: string, ...flags: string[]): Promise<string> {
  const content = `
    const test = require('node:test');
    const assert = require('node:assert/strict');
    const { _exit, fork, forkSync, waitpid } = require(${JSON.stringify(ROOT)});
    ${source}`;
  const cwd = folderWith({ 'fork.test.js': content });
  const args = ['--test-reporter=tap', ...flags, 'fork.test.js'];
  return (await program(process.execPath, args, { cwd, env: clean() }).result).stdout;
}

const count = (text: string, pattern: RegExp): number => (text.match(pattern) ?? []).length;

test('A child of fork() that throws goes on as a second runner, which reports, too.', async () => {
  const source = `test('forks', () => {
    const pid = fork();
    if (pid === 0) assert.equal(1, 2);
    waitpid(pid);
  });`;
  expect(count(await nodeTest(source), /^# tests 1$/gm)).toBe(2);
  expect(
    count(await nodeTest(source.replace('fork()', '7').replace(' waitpid(pid);', '')), /^# tests 1$/gm),
  ).toBe(1);
});

test("What a child counts or changes, its parent does not see, unless it is the child's value.", async () => {
  const stdout = await nodeTest(`test('mocks', (t) => {
    const called = t.mock.fn();
    const { value } = forkSync(() => {
      called();
      return called.mock.callCount();
    });
    assert.deepEqual([value, called.mock.callCount()], [1, 0]);
  });`);
  expect(stdout).toMatch(/^# pass 1$/m);
});

test('A blocking wait outlives the limit of a test.', async () => {
  const stdout = await nodeTest(`test('waits', { timeout: 50 }, () => {
    const pid = fork();
    if (pid === 0) {
      for (const end = Date.now() + 500; Date.now() < end; );
      _exit(0);
    }
    assert.deepEqual(waitpid(pid), [pid, 0]);
    console.log('after the wait');
  });`);
  expect(stdout).toContain('after the wait');
});

test('What is in flight is to be awaited before.', async () => {
  const stdout = await nodeTest(`test('waits', async () => {
    const { stat } = require('node:fs/promises');
    const inFlight = stat('/');
    assert.throws(() => forkSync(() => {}), { code: 'ERR_PREFORK_BUSY' });
    await inFlight;
    assert.equal(forkSync(() => 1).value, 1);
  });`);
  expect(stdout).toMatch(/^# pass 1$/m);
});

test('What only a child runs counts as not covered, and nothing is written for it.', async () => {
  const coverage = folderWith({}, { packages: false });
  const source = `function onlyInTheChild() { return 1; }
    function inTheParent() { return 2; }
    test('runs', () => assert.deepEqual([forkSync(onlyInTheChild).value, inTheParent()], [1, 2]));`;
  const cwd = folderWith({
    'fork.test.js': `const test = require('node:test'); const assert = require('node:assert/strict');
      const { forkSync } = require(${JSON.stringify(ROOT)}); ${source}`,
  });
  const env = { ...clean(), NODE_V8_COVERAGE: coverage };
  await program(process.execPath, ['fork.test.js'], { cwd, env }).result;
  const [file = '', ...others] = readdirSync(coverage);
  expect(others).toEqual([]);
  const { result } = JSON.parse(readFileSync(join(coverage, file), 'utf8')) as {
    result: { url: string; functions: { functionName: string; ranges: { count: number }[] }[] }[];
  };
  const functions = result.find(({ url }) => url.endsWith('fork.test.js'))?.functions ?? [];
  const calls = (name: string) =>
    functions.find(({ functionName }) => functionName === name)?.ranges[0]?.count;
  expect([calls('onlyInTheChild'), calls('inTheParent')]).toEqual([0, 1]);
});

test('docs/testing.md speaks of each runner, and each rule.', () => {
  const page = readFileSync(join(ROOT, 'docs', 'testing.md'), 'utf8');
  for (const name of Object.keys(RUNS)) expect(page).toContain(name.replace(/,.*/, ''));
});
