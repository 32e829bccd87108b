/** An address that a new version drops: who has connected is answered, and from then on clients are told that nobody listens. */
import { once } from 'node:events';
import { existsSync, writeFileSync } from 'node:fs';
import { connect, type NetConnectOpts, type Socket } from 'node:net';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { expect, onTestFinished, test } from 'vitest';
import { eventually } from '../helpers/eventually';
import { get } from '../helpers/manager';
import { freePort } from '../helpers/port';
import { serve } from '../helpers/served';
import { ROOT } from '../helpers/stdin';

const BINDING = join(ROOT, 'dist', 'base', 'binding.js');

const LISTENS = `
  const { createServer } = require('node:http');
  const { existsSync } = require('node:fs');
  const serve = (place, answer) => createServer((_, response) => response.end(answer)).listen(place);`;

/** Told to finish, it stands still until there is a file of that name. */
const STANDS_STILL = `
  process.on('workerStopping', () => {
    const never = new Int32Array(new SharedArrayBuffer(4));
    while (!existsSync('go on')) Atomics.wait(never, 0, 0, 5);
  });`;

/** For the kernel the handshake is under way until the client sends something (TCP_DEFER_ACCEPT, tcp(7)). */
const leaveHalfOpen = (server: string) => `
  ${server}.on('listening', () => {
    const sockets = ${server}._handle.fd === undefined ? [] : [${server}._handle.fd];
    for (const fd of sockets) require(${JSON.stringify(BINDING)}).binding.socket_setsockopt(fd, 6, 9, 30);
  });`;

const event = (name: string) => new RegExp(`"event":"${name}"`);

async function client(place: NetConnectOpts): Promise<Socket> {
  const socket = connect(place);
  onTestFinished(() => void socket.destroy());
  await once(socket, 'connect');
  return socket;
}

async function statusLine(socket: Socket): Promise<string | undefined> {
  socket.write('GET / HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n');
  return (await text(socket).catch((error) => String(error.code))).split('\r\n')[0];
}

/** Answers, or why there was none. */
const ask = (port: number) => get({ port }).catch((error) => String(error.code));

function serveBoth(port: number, second: NetConnectOpts, more: string, options: string[] = []) {
  const app = `
    ${LISTENS}
    serve({ port: ${port}, host: '127.0.0.1' }, 'first');
    const second = serve(${JSON.stringify(second)}, 'second');
    ${more}`;
  const args = ['app.js', '-w', '2', '--log-format', 'json', ...options];
  return serve(args, { files: { 'app.js': app }, until: /"event":"workers_ready"/ });
}

const firstOnly = (port: number) => `${LISTENS} serve({ port: ${port}, host: '127.0.0.1' }, 'first');`;

test.each([
  { how: 'one queue', options: [] },
  { how: 'a queue for each worker', options: ['--balanced'] },
])('With $how connections that are under way are answered.', async ({ options }) => {
  const [port, other] = [freePort(), freePort()];
  const second = { port: other, host: '127.0.0.1' };
  const served = await serveBoth(port, second, leaveHalfOpen('second') + STANDS_STILL, options);
  const clients = await Promise.all(Array.from({ length: 20 }, () => client(second)));
  writeFileSync(join(served.folder, 'app.js'), firstOnly(port));
  served.running.kill('SIGHUP');
  await served.until(event('listening_ended'));
  const answers = clients.map(statusLine);
  writeFileSync(join(served.folder, 'go on'), '');
  expect(await Promise.all(answers)).toEqual(Array(20).fill('HTTP/1.1 200 OK'));
  await served.until(event('replaced_all'));
  await eventually(async () => (await ask(other)) === 'ECONNREFUSED');
  expect(await ask(port)).toBe('first');
  expect(await served.stop()).toBe('status 0');
});

test('A Unix socket is gone at once, and who is connected to it is answered.', async () => {
  const port = freePort();
  const served = await serveBoth(port, { path: 'second.sock' }, STANDS_STILL);
  const path = join(served.folder, 'second.sock');
  const before = await client({ path });
  writeFileSync(join(served.folder, 'app.js'), firstOnly(port));
  served.running.kill('SIGHUP');
  await served.until(event('listening_ended'));
  expect(existsSync(path)).toBe(false);
  writeFileSync(join(served.folder, 'go on'), '');
  expect(await statusLine(before)).toBe('HTTP/1.1 200 OK');
  expect(await served.stop()).toBe('status 0');
});

test('While a worker still answers a request, nobody else waits for it in vain, and USR2 does what it does.', async () => {
  const [port, other] = [freePort(), freePort()];
  const slow = `
    second.removeAllListeners('request').on('request', (_, response) => {
      const timer = setInterval(() => {
        if (!existsSync('go on')) return;
        clearInterval(timer);
        response.end('slow');
      }, 5);
    });`;
  const served = await serveBoth(port, { port: other, host: '127.0.0.1' }, slow, ['-w', '1']);
  const asked = await client({ port: other, host: '127.0.0.1' });
  const answer = statusLine(asked);
  writeFileSync(join(served.folder, 'app.js'), firstOnly(port));
  served.running.kill('SIGHUP');
  await served.until(event('listening_ended'));
  // A connection that is made meanwhile would be in a queue that nobody empties, and be reset in the end.
  await eventually(async () => (await ask(other)) === 'ECONNREFUSED');
  served.running.kill('SIGUSR2');
  await served.until(event('succession_finished'));
  await served.until(event('replaced_all'), 2);
  writeFileSync(join(served.folder, 'go on'), '');
  expect(await answer).toBe('HTTP/1.1 200 OK');
  expect(await served.stop()).toBe('status 0');
});

test('Clients that go on connecting are answered, or told that nobody listens: none is cut off.', async () => {
  const [port, other] = [freePort(), freePort()];
  const served = await serveBoth(port, { port: other, host: '127.0.0.1' }, '');
  const outcomes = new Set<string>();
  let answered = 0;
  const knocks = async () => {
    for (;;) {
      const outcome = await ask(other);
      outcomes.add(outcome);
      if (outcome === 'ECONNREFUSED') return;
      answered += 1;
    }
  };
  const clients = Array.from({ length: 8 }, knocks);
  await eventually(() => answered > 100);
  writeFileSync(join(served.folder, 'app.js'), firstOnly(port));
  served.running.kill('SIGHUP');
  await Promise.all(clients);
  expect(outcomes).toEqual(new Set(['second', 'ECONNREFUSED']));
  expect(await served.stop()).toBe('status 0');
});
