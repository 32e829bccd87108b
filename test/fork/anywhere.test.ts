import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, onTestFinished, test } from 'vitest';
import { Program, run } from '../helpers/run';

const FIXTURES = join(__dirname, '..', 'fixtures', 'fork');
const printed = (stdout: string) => ({ status: 0, signal: null, stdout, stderr: '' });

/** Runs a program that is not one of the fixtures to its end. */
function runProgram(command: string, args: string[], stdin = '') {
  const program = new Program(command, args, { env: { NODE_OPTIONS: '' } });
  onTestFinished(() => program.killGroup());
  program.stdin.end(stdin);
  return program.result;
}

test.each([
  'the top level',
  'a timer',
  'an immediate',
  'a promise',
  'a tick',
  'an async function',
  'a worker thread',
  'a signal listener',
  'an exit listener',
  'a child of a child, eight deep',
  '64 children at once',
])('fork() works in %s.', async (place) => {
  expect(await run('fork/anywhere.js', { args: [place] })).toEqual(printed('42\n'));
});

test('fork() works inside an HTTP request handler, and the parent answers.', async () => {
  const place = 'an HTTP request handler';
  expect(await run('fork/anywhere.js', { args: [place] })).toEqual(printed('42\nfrom the parent\n'));
});

test('fork() works with a heap of 1 GB.', async () => {
  const env = { NODE_OPTIONS: '--max-old-space-size=3000' };
  expect(await run('fork/anywhere.js', { args: ['a heap of 1 GB'], env })).toEqual(printed('42\n'));
});

test('fork() works at the top level of an ES module.', async () => {
  expect(await run('fork/anywhere.mjs')).toEqual(printed('41\n42\n'));
});

test('fork() works under node --inspect.', async () => {
  const args = ['--inspect=0', join(FIXTURES, 'anywhere.js'), 'a timer'];
  expect(await runProgram(process.execPath, args)).toMatchObject({ status: 0, stdout: '42\n' });
});

test('fork() works in a program from standard input.', async () => {
  const source = readFileSync(join(FIXTURES, 'anywhere.js'), 'utf8')
    .replace("'../../..'", JSON.stringify(join(__dirname, '..', '..')))
    .replaceAll('__filename', JSON.stringify(join(FIXTURES, 'anywhere.js')));
  expect(await runProgram(process.execPath, ['-', 'the top level'], source)).toEqual(printed('42\n'));
});

test.each(['forks', 'threads', 'vmThreads'])(
  'fork() works inside a vitest test. (Pool %s.)',
  async (pool) => {
    const vitest = join(__dirname, '..', '..', 'node_modules', 'vitest', 'vitest.mjs');
    const args = [vitest, 'run', '--globals', '--root', FIXTURES, '--pool', pool, 'in-runner'];
    const result = await runProgram(process.execPath, args);
    expect(result).toMatchObject({ status: 0, signal: null, stdout: expect.stringMatching(/1 passed/) });
  },
);

test('fork() works inside a Jest test.', async () => {
  const jest = join(__dirname, '..', '..', 'node_modules', 'jest', 'bin', 'jest.js');
  const args = [jest, '--rootDir', FIXTURES, 'in-runner'];
  const result = await runProgram(process.execPath, args);
  expect(result).toMatchObject({ status: 0, signal: null, stderr: expect.stringMatching(/1 passed/) });
});
