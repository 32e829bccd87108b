/** docs/testing.md: what it says of each test runner, and of forks in tests. */
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { folderWith, program } from '../helpers/command';
import { ROOT } from '../helpers/stdin';
import { clean, RUNS, testRunner } from './runners';

for (const [name, runner] of Object.entries(RUNS)) {
  if (runner.fetched === undefined) testRunner(name, runner);
}

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
