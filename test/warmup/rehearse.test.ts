import { mkdtempSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { rehearse } from '../..';
import { selfSigned } from '../helpers/certificate';
import { run, start } from '../helpers/run';

interface Outcome {
  name: string;
  statuses?: Record<string, number>;
  error?: string;
  seen: Record<string, number>;
  left: string[];
}

const BYTES_FOR_AN_ANSWER = 10_000; // 48,000 and more where the child compiles them, some 500 where they are there

test('After a rehearsal a child has the code for its first answer already.', async () => {
  const compiled = async (requests: number) =>
    Number(await start('warmup/rehearse-learns.js', { args: [String(requests)] }).line());
  expect(await compiled(0)).toBeGreaterThan(BYTES_FOR_AN_ANSWER);
  expect(await compiled(100)).toBeLessThan(BYTES_FOR_AN_ANSWER);
});

test('Every request is served in this process, by each kind of server, and nothing is left of it.', async () => {
  const { keyfile, certfile } = selfSigned(mkdtempSync(join(tmpdir(), 'prefork-test-')), 'rehearse');
  const { stdout, stderr } = await run('warmup/rehearse.js', { args: [keyfile, certfile] });
  expect(stderr).toBe('');
  const outcomes = stdout
    .trim()
    .split('\n')
    .map((line) => JSON.parse(line) as Outcome);
  const good = {
    statuses: { 200: 10, 404: 10 },
    seen: { 'GET / localhost me': 10, 'GET /lost localhost me': 10 },
    left: [],
  };
  expect(outcomes).toEqual([
    { name: 'http.Server', ...good },
    { name: 'https.Server', ...good },
    { name: 'HTTPServer', ...good },
    { name: 'listener', ...good },
    { name: 'closes each connection', ...good },
    { name: 'stranger', ...good },
    { name: 'never answers', error: 'ERR_PREFORK_TIMEOUT', seen: {}, left: [] },
    { name: 'cuts off', error: 'ECONNRESET', seen: {}, left: [] },
    { name: 'heard', text: '' },
  ]);
});

describe('What is not a server, a path or a number is refused:', () => {
  const listener = () => {};
  test.each([
    [42, {}, 'ERR_PREFORK_INVALID_ARG_TYPE', /an http.Server, .* for server but received 42 of type number/],
    [null, {}, 'ERR_PREFORK_INVALID_ARG_TYPE', /received null/],
    [listener, 7, 'ERR_PREFORK_INVALID_ARG_TYPE', /an object for options but received 7/],
    [listener, { paths: '/' }, 'ERR_PREFORK_INVALID_ARG_TYPE', /an array of paths .* for options.paths/],
    [listener, { paths: [] }, 'ERR_PREFORK_INVALID_ARG_TYPE', /for options.paths/],
    [listener, { paths: ['a'] }, 'ERR_PREFORK_INVALID_ARG_TYPE', /that begin with '\/' for options.paths/],
    [listener, { headers: 'a' }, 'ERR_PREFORK_INVALID_ARG_TYPE', /an object for options.headers/],
    [listener, { requests: 0 }, 'ERR_PREFORK_OUT_OF_RANGE', /for options.requests but received 0/],
    [
      listener,
      { requests: 5, connections: 6 },
      'ERR_PREFORK_OUT_OF_RANGE',
      /from 1 to 5 for options.connections/,
    ],
    [
      listener,
      { timeout: 2 ** 31 },
      'ERR_PREFORK_OUT_OF_RANGE',
      /for options.timeout but received 2147483648/,
    ],
  ])('%s, %s', async (server, options, code, message) => {
    await expect(rehearse(server as never, options as never)).rejects.toMatchObject({
      code,
      message: expect.stringMatching(message),
    });
  });
});
