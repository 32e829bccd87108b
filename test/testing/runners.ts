/** The test runners of docs/testing.md, and how each runs the same suite. */
import { existsSync, symlinkSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { folderWith, program } from '../helpers/command';
import { ROOT } from '../helpers/stdin';

const RUNNERS = join(ROOT, '.node-versions', 'runners', 'node_modules');
const { suite } = require('./suite') as { suite(header: string, prefork: string): string };

interface Counts {
  passed: number;
  failed: number;
}

export interface Runner {
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

export const RUNS: Record<string, Runner> = {
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

/** Without what this runner has put into the environment. */
export const clean = (): Record<string, string> =>
  Object.fromEntries(
    Object.keys(process.env)
      .filter((name) => /^(VITEST|TEST|NODE_V8|NODE_ENV|JEST|TAP|AVA)/.test(name))
      .map((name) => [name, '']),
  );

/** A test for each of them; those that are not fetched are skipped. */
export function testRunner(name: string, runner: Runner): void {
  const { fetched } = runner;
  const isThere = fetched === undefined || existsSync(join(RUNNERS, fetched));
  test.skipIf(!isThere)(
    `${name}: every test is reported once, and the one that fails in its child fails.`,
    async () => {
      const cwd = project(runner);
      const { stdout, stderr } = await program(process.execPath, runner.command, { cwd, env: clean() })
        .result;
      const extra = name.startsWith('Jest') ? 1 : 0;
      expect(runner.counts(stdout), `${stdout}${stderr}`).toEqual({ passed: 4 + extra, failed: 1 });
    },
  );
}
