import { expect, test } from 'vitest';
import { run } from '../helpers/run';

test('fork() refuses while requests are in flight, and names them; it forks when they are done.', async () => {
  const { stdout, ...end } = await run('fork/in-flight.js');
  expect(end).toEqual({ status: 0, signal: null, stderr: '' });
  const busy = (names: string) =>
    `ERR_PREFORK_BUSY fork() while 1 request is in flight would do the work in both processes: ${names}. ` +
    'Wait with forkWhenIdle(), or pass { allowInFlight: true }. With PREFORK_TRACE=1 in the environment this says ' +
    'where each was made';
  const unknown = busy('(1 of fs, dns, crypto, zlib or a native package)');
  expect(stdout.split('\n')).toEqual([
    `fs, with a callback: ${busy('a call of fs (FSReqCallback)')}`,
    `fs, with a promise: ${busy('a call of fs.promises (FSReqPromise)')}`,
    `dns.lookup: ${busy('dns.lookup() (GetAddrInfoReqWrap) localhost')}`,
    `crypto: ${unknown}`,
    `webcrypto: ${unknown}`,
    `zlib: ${unknown}`,
    'idle: 7',
    '',
  ]);
});

test('With PREFORK_TRACE=1 it says which call made each, and where.', async () => {
  const { stdout, ...end } = await run('fork/in-flight.js', { env: { PREFORK_TRACE: '1' } });
  expect(end).toEqual({ status: 0, signal: null, stderr: '' });
  const made = [
    ...stdout.matchAll(/^(.*): ERR_.* in both processes: (.*), opened at .*in-flight\.js:\d+:\d+\. /gm),
  ];
  expect(made.map(([, name, call]) => [name, call])).toEqual([
    ['fs, with a callback', 'fs.stat()'],
    ['fs, with a promise', 'fs.promises.stat()'],
    ['dns.lookup', 'dns.lookup()'],
    ['crypto', 'crypto.scrypt()'],
  ]);
});

test('fork() while another child is being made says so, and not what it cannot know; afterwards it forks.', async () => {
  const { stdout, ...end } = await run('fork/child-being-made.js');
  expect(end).toEqual({ status: 0, signal: null, stderr: '' });
  const refused =
    'ERR_PREFORK_BUSY fork() while a child of inChild(), a Pool or a Process is being made, or has just been. ' +
    'Wait with forkWhenIdle()';
  // How many threads the pool has: fewer, if one of them did not come in time to be held up.
  expect(stdout.replace(/\d+ (requests|for)/g, 'N $1').split('\n')).toEqual([
    `inChild(): ${refused}`,
    `Pool: ${refused}`,
    `Process, at its start: ${refused}`,
    `Process, started: ${refused}`,
    'beside another request: ERR_PREFORK_BUSY fork() while N requests are in flight would do the work in both processes: ' +
      'dns.lookup() (GetAddrInfoReqWrap) localhost, (N for a child of inChild(), a Pool or a Process that is being made). ' +
      'Wait with forkWhenIdle(). With PREFORK_TRACE=1 in the environment this says where each was made',
    'a request alone, later: ERR_PREFORK_BUSY fork() while 1 request is in flight would do the work in both processes: ' +
      'dns.lookup() (GetAddrInfoReqWrap) localhost. ' +
      'Wait with forkWhenIdle(), or pass { allowInFlight: true }. With PREFORK_TRACE=1 in the environment this says ' +
      'where each was made',
    'forkWhenIdle(): 7',
    '',
  ]);
});

test('In a child of inChild() fork() is not refused for what makes its thread pool new.', async () => {
  expect(await run('fork/fork-beside-left-behind.js')).toEqual({
    status: 0,
    signal: null,
    stdout: '7\n',
    stderr: '',
  });
});

test.each(['early', 'late'])(
  'With allowInFlight, parent and child both get all completions. (Forked %s.)',
  async (when) => {
    for (let i = 0; i < 5; i++) {
      expect(await run('fork/fifty-writes.js', { args: [when] })).toEqual({
        status: 0,
        signal: null,
        stdout: 'parent: 50, child: 50, as written\n',
        stderr: '',
      });
    }
  },
);
