import { expect, test } from 'vitest';
import { run } from '../helpers/run';

const ok = { status: 0, signal: null, stderr: '' };

test.each(['process.exit', '_exit'])('Every exit code comes back, by %s.', async (how) => {
  const result = await run('fork/statuses.js', { args: [how], deadman: 60_000 });
  expect(result).toEqual({ ...ok, stdout: 'wrong:\n' });
});

test('Every signal that ends or stops a child comes back.', async () => {
  const result = await run('fork/statuses.js', { args: ['signals'], deadman: 60_000 });
  expect(result).toMatchObject({ status: 0, signal: null, stdout: 'many signals\nwrong:\n' });
});

const ENDS: [way: string, stdout: string, stderr: RegExp][] = [
  ['falls off the end', '0\n', /^$/],
  ['falls off the end, later', '0\n', /^$/],
  ['sets process.exitCode', '9\n', /^$/],
  ['calls process.exit', '3\n', /^$/],
  ['calls process.exit, later', '4\n', /^$/],
  ['calls process.exit in a promise', '5\n', /^$/],
  ['calls process.abort', '-6\n', /./],
  ['throws', '1\n', /Error: thrown/],
  ['throws, later', '1\n', /Error: thrown/],
  ['rejects', '1\n', /Error: rejected/],
  ['has listeners', 'beforeExit exit 0 6\n', /^$/],
  ['is closed by a worker that throws', '1\n', /Error: thrown/],
  ['runs out of memory', '-6\n', /heap out of memory/],
];

test.each(ENDS)(
  'A child that %s ends as any Node process does, and says so.',
  async (way, stdout, stderr) => {
    const env = { NODE_OPTIONS: '--max-old-space-size=40' };
    const result = await run('fork/ends.js', { args: [way], env });
    expect(result).toMatchObject({ status: 0, signal: null, stdout });
    expect(result.stderr).toMatch(stderr);
  },
);

const IN_A_WORKER: [string, string, RegExp][] = [
  ['calls process.exit', '3\n', /^$/],
  ['calls process.exit, later', '4\n', /^$/],
  ['throws', '1\n', /Error: thrown/],
  ['throws, later', '1\n', /Error: thrown/],
  ['has listeners and calls process.exit', 'exit 7 6\n', /^$/],
];

test.each(IN_A_WORKER)(
  'A child that a worker has forked and that %s ends as a whole.',
  async (way, stdout, stderr) => {
    const result = await run('fork/ends.js', { args: [way, 'in a worker'] });
    expect(result).toMatchObject({ status: 0, signal: null, stdout });
    expect(result.stderr).toMatch(stderr);
  },
);
