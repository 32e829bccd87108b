/** What --rehearse does before the first fork. */
import { expect, test } from 'vitest';
import { launch, serve } from '../helpers/served';

const LISTENER = `
  let answers = 0;
  const first = process.pid;
  const listener = (request, response) => {
    if (request.url === '/never') return;
    response.statusCode = request.url === '/lost' ? 404 : 200;
    response.end(JSON.stringify({ pid: process.pid, first, answers: ++answers }));
  };`;
const listening = `${LISTENER} require('node:http').createServer(listener).listen(0, '127.0.0.1');`;
const exported = `${LISTENER} module.exports = listener;`;

test.each([
  ['listens', listening, []],
  ['exports its listener', exported, ['--bind', '127.0.0.1:0']],
])(
  'An application that %s has answered a thousand requests in the template when its workers begin.',
  async (_, source, more) => {
    const served = await serve(['app.js', '-w', '2', '--rehearse', '/', ...more], {
      files: { 'app.js': source },
    });
    expect(served.log).toMatch(/ info: Rehearsed \/ in \d+ ms \(1000 × 200\)\n.*Listening on /);
    const answer = JSON.parse(await served.ask('/'));
    expect(answer).toMatchObject({ answers: 1001 });
    expect(served.running.children()).toContain(answer.first); // the template
    expect(answer.first).not.toBe(answer.pid);
    expect(served.running.workers()).toContain(answer.pid);
    expect(await served.stop()).toBe('status 0');
  },
);

/** As the standalone server of Next: requests wait until what 'listening' has begun is done. */
const readyInListening = `
  let getReady;
  const isReady = new Promise((resolve) => { getReady = resolve; });
  let answers = 0;
  const told = [];
  const server = require('node:http').createServer(async (request, response) => {
    await isReady;
    response.end(JSON.stringify({ pid: process.pid, answers: ++answers, told }));
  });
  server.on('listening', async () => {
    told.push({ by: process.pid, address: server.address().address, listening: server.listening });
    await new Promise((resolve) => setTimeout(resolve, 10));
    getReady();
  });
  server.listen(0, '127.0.0.1', () => told.push('called back'));`;

test('An application that gets ready only when it listens is told so in the template, and not again in its workers.', async () => {
  const served = await serve(['app.js', '-w', '2', '--rehearse', '/'], {
    files: { 'app.js': readyInListening },
  });
  const [{ by }] = JSON.parse(await served.ask('/')).told;
  expect(served.running.children()).toContain(by); // the template
  const seen = new Set<number>();
  while (seen.size < 2) {
    const { pid, answers, told } = JSON.parse(await served.ask('/'));
    expect(answers).toBeGreaterThan(1000);
    expect(told).toEqual([{ by, address: '127.0.0.1', listening: true }, 'called back']);
    seen.add(pid);
  }
  expect(seen).not.toContain(by);
  expect(await served.stop()).toBe('status 0');
});

test('What the application does not serve is said.', async () => {
  const served = await serve(['app.js', '-w', '1', '--rehearse', '/', '--rehearse', '/lost'], {
    files: { 'app.js': listening },
  });
  expect(served.log).toMatch(
    / warning: Rehearsed \/, \/lost in \d+ ms \(500 × 200, 500 × 404\): give paths that the application serves\n/,
  );
});

test.each([
  [
    'never answers',
    listening,
    '/never',
    /has not answered the 1000 requests of its rehearsal within 3000 ms\n$/,
  ],
  [
    'serves something else',
    "require('node:net').createServer().listen(0)",
    '/',
    /listens with a server that does not speak HTTP\n$/,
  ],
])('An application that %s is not started, and it is said why.', async (_, source, path, why) => {
  // It counts for the application's own start, too, which is not to be late.
  const args = ['app.js', '--rehearse', path, '--boot-timeout', '3s'];
  const { running } = launch(args, { files: { 'app.js': source } });
  expect(await running.exit()).toBe('status 1');
  expect(running.stderr).toMatch(/^\S+ prefork\[\d+\] error: Cannot rehearse \//);
  expect(running.stderr).toMatch(why);
});
