/** A fork() in the middle of something native that has called JavaScript, perhaps with a lock held: it goes on in both. */
import { expect, test } from 'vitest';
import { run } from '../helpers/run';

const printed = { status: 0, signal: null, stdout: '42\n', stderr: '' };
const env = { NODE_OPTIONS: '--no-warnings' };

const hasSqlite = process.getBuiltinModule?.('node:sqlite') !== undefined;

test
  .skipIf(!hasSqlite)
  .each([
    'a function of SQL',
    'an aggregate of SQL',
    'a function of SQL, two deep',
    'a function of SQL in a transaction',
  ])(
  'The connection of node:sqlite, whose lock is held, goes on in child and parent after a fork in %s.',
  async (place) => {
    expect(await run('fork/inside-callbacks.js', { args: [place], env })).toEqual(printed);
  },
);

test.each([
  'a sort',
  'a reviver of JSON',
  'a replacement',
  'a getter that is cloned',
  'a serializer',
  'a context with a time limit',
  'a function that WebAssembly calls',
  'a stack trace',
  'an answer of the inspector',
  'a hook of async_hooks',
  'a subscriber',
  'a run of AsyncLocalStorage',
  'a proxy',
  'a module that is required',
  'a listener, while a worker thread waits in Atomics.wait',
  'a collected object',
])('What has called goes on in child and parent after a fork in %s.', async (place) => {
  expect(await run('fork/inside-callbacks.js', { args: [place], env })).toEqual(printed);
});
