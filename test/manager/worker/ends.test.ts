/** The end of a worker belongs to its application: it is told when its requests are answered, and finds all as it was. */
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { connect as connectHttp2 } from 'node:http2';
import { connect, type Socket } from 'node:net';
import { text } from 'node:stream/consumers';
import { expect, onTestFinished, test } from 'vitest';

import { type Entry, get, Load, Managed } from '../../helpers/manager';

const LARGE = 30_000_000;

/** Longer than any of these tests: only what ends by itself does in time. */
const settings = { workers: 1, gracefulTimeout: 120_000 };

const start = (ENDING: string, workers = 1) =>
  new Managed('ends.js', { ...settings, workers }, { env: { ENDING } }).started();

const events = (entries: Entry[]) => entries.map(({ event }) => event);

function client(port: number): Socket {
  const socket = connect(port, '127.0.0.1');
  onTestFinished(() => void socket.destroy());
  return socket;
}

test('A worker whose application only closes its server ends when that is closed.', async () => {
  const managed = await start('closes its server');
  const { status, entries } = await managed.stop();
  expect(status).toBe(0);
  expect(events(entries)).not.toContain('worker_stop_timed_out');
});

test.each([
  ['SIGHUP', 'replaced_all'],
  ['SIGTERM', 'closed'],
] as const)(
  'At %s the application finds its server listening, and the signal to itself.',
  async (signal, done) => {
    const managed = await start('closes its server, and ends when that calls back');
    const { port } = managed;
    managed.signal(signal);
    await managed.until(done);
    // Told to end, it has no worker any more, and may have ended.
    const { status, entries } = await (signal === 'SIGHUP' ? managed.stop() : managed.end());
    expect(status).toBe(0);
    const told = entries.find(({ event }) => event === 'told');
    expect(told).toMatchObject({
      signal: 'SIGTERM',
      number: 15,
      listening: true,
      port,
      address: '127.0.0.1',
    });
    expect(entries.find(({ event }) => event === 'listeners')).toMatchObject({ count: 1, hup: 0 });
    expect(entries.find(({ event }) => event === 'closed')).toMatchObject({ error: null });
  },
);

test('The application is told only when the requests that it has are answered.', async () => {
  const managed = await start('takes its time');
  const slow = get({ port: managed.port }, '/slow');
  await managed.until('asked');
  const { entries, status } = await managed.stop();
  expect(await slow).toBe('slow');
  expect(status).toBe(0);
  const order = ['asked', 'answered', 'told', 'tidied up'];
  expect(events(entries).filter((event) => order.includes(event))).toEqual(order);
});

test('An application that exits as soon as it is told loses no request in four rolling replacements.', async () => {
  const managed = await start('exits at once', 2);
  const load = new Load(managed.port, 4);
  for (let turn = 0; turn < 4; turn++) {
    managed.signal('SIGHUP');
    await managed.until('replaced_all');
  }
  await load.stop();
  expect(load.errors).toEqual([]);
  expect(load.answered).toBeGreaterThan(0);
  expect((await managed.stop()).status).toBe(0);
});

test('An answer that is handed over but not sent yet is sent to its end.', async () => {
  const managed = await start('has answers that take a while to send');
  const socket = client(managed.port);
  socket.write('GET / HTTP/1.1\r\nHost: x\r\n\r\n');
  await once(socket, 'readable'); // and from now on nothing is read
  managed.signal('SIGTERM');
  await managed.until('shutdown_started');
  // Longer than a connection without a request is left open.
  await new Promise((resolve) => setTimeout(resolve, 1500));
  let bytes = 0;
  for await (const chunk of socket) bytes += (chunk as Buffer).length;
  expect(bytes).toBeGreaterThan(LARGE);
  expect((await managed.end()).status).toBe(0);
});

/** That it closes its servers as soon as it hears of its end, before any request in hand is answered, is its own choice. */
const IN_HASTE = 'closes its server as soon as it hears of its end, and stands still';

test.each(['SIGHUP', 'SIGTERM'] as const)(
  'Who has connected is answered also if the application closes its server before it is asked: %s.',
  async (signal) => {
    const managed = await start(IN_HASTE);
    const socket = client(managed.port);
    await managed.until('connected');
    managed.signal(signal);
    await managed.until('stands still');
    await new Promise((resolve) => socket.write('GET / HTTP/1.1\r\nHost: x\r\n\r\n', resolve));
    managed.program.endInput();
    const answer = await text(socket);
    expect(answer).toMatch(/^HTTP\/1\.1 200 OK\r\n/);
    expect(answer).toMatch(/^Connection: close\r$/m);
    const { status, entries } = await (signal === 'SIGHUP' ? managed.stop() : managed.end());
    expect(status).toBe(0);
    expect(entries.find(({ event }) => event === 'closed')).toMatchObject({ error: null });
  },
);

test('An answer that is handed over is sent to its end also if the application closes its server meanwhile.', async () => {
  const managed = await start(IN_HASTE);
  const socket = client(managed.port);
  socket.write('GET /large HTTP/1.1\r\nHost: x\r\n\r\n');
  await once(socket, 'readable'); // and from now on nothing is read
  managed.signal('SIGTERM');
  await managed.until('stands still');
  managed.program.endInput();
  let bytes = 0;
  for await (const chunk of socket) bytes += (chunk as Buffer).length;
  expect(bytes).toBeGreaterThan(LARGE);
  expect((await managed.end()).status).toBe(0);
});

/** Since Node 26 a server that closes ends connections of such clients; before, they kept it open. */
test.runIf(Number.parseInt(process.versions.node, 10) >= 26)(
  'Who has connected and never asks does not keep a server open that is closed.',
  async () => {
    const managed = await start('closes its server when it is asked to');
    const socket = client(managed.port).resume();
    await managed.until('connected');
    await get({ port: managed.port }, '/close');
    await once(socket, 'close');
    await managed.until('closed');
    await managed.stop();
  },
);

test('Of requests that came one behind the other all are answered, and the last answer says that it is the last.', async () => {
  const managed = await start('answers in turn');
  const socket = client(managed.port);
  socket.write(['/1', '/2', '/3', '/4'].map((url) => `GET ${url} HTTP/1.1\r\nHost: x\r\n\r\n`).join(''));
  await managed.until('asked', ({ url }) => url === '/4');
  managed.signal('SIGTERM');
  const answers = (await text(socket)).split('HTTP/1.1 200 OK\r\n').slice(1);
  expect(answers.map((answer) => answer.split('\r\n\r\n')[1])).toEqual(['/1', '/2', '/3', '/4']);
  expect(answers.map((answer) => /^Connection: close\r$/m.test(answer))).toEqual([false, false, false, true]);
  expect((await managed.end()).status).toBe(0);
});

test('A client of HTTP/2 is told to go, and what it has asked is answered.', async () => {
  const managed = await start('speaks HTTP/2');
  const session = connectHttp2(`http://127.0.0.1:${managed.port}`);
  onTestFinished(() => session.destroy());
  const first = text(session.request({ ':path': '/first' }));
  await managed.until('asked');
  const closed = once(session, 'close').then(() => ['closed without a word']);
  const told = Promise.race([once(session, 'goaway'), closed]);
  managed.signal('SIGTERM');
  expect(await first).toBe('/first');
  expect((await told)[0]).toBe(0);
  expect((await managed.end()).status).toBe(0);
});

test('What it has asked is waited for, also without TLS, and longer than a goodbye takes.', async () => {
  const managed = await start('speaks HTTP/2');
  const session = connectHttp2(`http://127.0.0.1:${managed.port}`);
  onTestFinished(() => session.destroy());
  const slow = text(session.request({ ':path': '/slow' }));
  await managed.until('asked');
  managed.signal('SIGTERM');
  expect(await slow).toBe('/slow');
  expect((await managed.end()).status).toBe(0);
});

const FRAME = { DATA: 0, HEADERS: 1, SETTINGS: 4, PING: 6, GOAWAY: 7 };
/** On HEADERS both that they end and that the stream does; on DATA the latter; on SETTINGS and PING that it is an answer. */
const FLAG = { END: 5, END_STREAM: 1, ACK: 1 };
/** GET / of http://x, in HPACK (RFC 7541). */
const GET = Buffer.from('\x82\x86\x84\x41\x01x', 'latin1');

function frame(type: number, flags: number, stream: number, payload = Buffer.alloc(0)): Buffer {
  const head = Buffer.alloc(9);
  head.writeUIntBE(payload.length, 0, 3);
  head[3] = type;
  head[4] = flags;
  head.writeUInt32BE(stream, 5);
  return Buffer.concat([head, payload]);
}

async function* framesOf(socket: Socket) {
  let received = Buffer.alloc(0);
  for await (const chunk of socket as AsyncIterable<Buffer>) {
    received = Buffer.concat([received, chunk]);
    while (received.length >= 9 && received.length >= 9 + received.readUIntBE(0, 3)) {
      const end = 9 + received.readUIntBE(0, 3);
      const [type = 0, flags = 0] = received.subarray(3, 5);
      yield { type, flags, stream: received.readUInt32BE(5), payload: received.subarray(9, end) };
      received = received.subarray(end);
    }
  }
}

test.each(['SIGTERM', 'SIGHUP'] as const)(
  'At %s a client of HTTP/2 has opened all that it opens when it has answered twice, and all of that is answered.',
  async (signal) => {
    const managed = await start('speaks HTTP/2');
    const socket = client(managed.port);
    socket.write('PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n');
    socket.write(Buffer.concat([frame(FRAME.SETTINGS, 0, 0), frame(FRAME.HEADERS, FLAG.END, 1, GET)]));
    const answered: number[] = [];
    const lastStreams: number[] = [];
    let [told, pings, silent] = [0, 0, 0];
    for await (const { type, flags, stream, payload } of framesOf(socket)) {
      if (type === FRAME.SETTINGS && !(flags & FLAG.ACK)) {
        socket.write(frame(FRAME.SETTINGS, FLAG.ACK, 0));
        await managed.until('asked');
        told = performance.now();
        managed.signal(signal);
      } else if (type === FRAME.GOAWAY) {
        lastStreams.push(payload.readUInt32BE(0));
      } else if (type === FRAME.PING && !(flags & FLAG.ACK)) {
        // Nothing is final yet. As nghttp2 does, it answers first, and then opens what was waiting to be sent.
        expect(lastStreams).toEqual([2 ** 31 - 1]);
        socket.write(frame(FRAME.PING, FLAG.ACK, 0, payload));
        if (++pings === 1) socket.write(frame(FRAME.HEADERS, FLAG.END, 3, GET));
        silent = performance.now() - told;
      } else if (type === FRAME.DATA && flags & FLAG.END_STREAM) answered.push(stream);
    }
    // The worker waits for five seconds. On a machine that stood still for longer there is nothing to see.
    if (silent < 5000)
      expect({ answered, last: lastStreams.at(-1), pings }).toEqual({ answered: [1, 3], last: 3, pings: 2 });
    expect((await managed.stop()).status).toBe(0);
  },
);

/** A connection on which that much has come; what comes from then on is in its text. */
async function lasting(port: number, path: string, upgrade = true) {
  const socket = client(port);
  const lines = upgrade ? 'Connection: Upgrade\r\nUpgrade: x\r\n' : '';
  socket.write(`GET ${path} HTTP/1.1\r\nHost: x\r\n${lines}\r\n`);
  let received = '';
  const ended = new Promise<string>((resolve) => {
    socket.setEncoding('latin1').on('data', (chunk: string) => {
      received += chunk;
    });
    socket.on('end', () => resolve(received)).on('error', (error) => resolve(String(error)));
  });
  while (!/\r\n\r\n/.test(received)) await once(socket, 'data');
  return { ended };
}

const openAll = async (port: number) => [
  await lasting(port, '/events', false),
  await lasting(port, '/socket'),
  await lasting(port, '/raw'),
];

test('Connections that last, of an application that does not care, are closed soon at SIGTERM, and counted.', async () => {
  const managed = await start('has connections that last');
  const [, webSocket] = await openAll(managed.port);
  const { status, entries } = await managed.stop();
  expect(status).toBe(0);
  expect((await webSocket?.ended)?.slice(-4)).toBe('\x88\x02\x03\xe9'); // 1001
  const closed = entries.find(({ event }) => event === 'connections_closed');
  expect(closed?.message).toMatch(/closed 3 connections that were still open/);
});

test('An application that wants to know is told at once, and closes them in its own time.', async () => {
  const managed = await start('has connections that last, and wants to know');
  const all = await openAll(managed.port);
  const { status, entries } = await managed.stop();
  expect(status).toBe(0);
  expect(entries.filter(({ event }) => event === 'told')).toMatchObject([{ id: 0 }]);
  for (const { ended } of all) expect(await ended).toMatch(/bye/);
  expect(events(entries)).not.toContain('connections_closed');
});

test('A reload does not wait for them: others are served meanwhile, and they go on.', async () => {
  const managed = await start('has connections that last');
  const all = await openAll(managed.port);
  const before = await get({ port: managed.port });
  managed.signal('SIGHUP');
  await managed.until('replaced_all');
  // The signal may not have reached the old worker yet: it answers whom it has accepted until then.
  while ((await get({ port: managed.port })) === before);
  const states = await Promise.all(all.map(({ ended }) => Promise.race([ended, 'open'])));
  expect(states).toEqual(['open', 'open', 'open']);
  expect((await managed.stop()).status).toBe(0);
});

test('What a worker forks by itself is ended by a signal as without a manager.', async () => {
  const managed = await start('forks a process of its own');
  const child = Number(await get({ port: managed.port }));
  process.kill(child, 'SIGTERM');
  while (isAlive(child)) await new Promise((resolve) => setTimeout(resolve, 10));
  const { status, entries } = await managed.stop();
  expect(status).toBe(0);
  expect(events(entries)).not.toContain('worker_crashed');
});

/** Also one that nobody has reaped has ended. */
function isAlive(pid: number): boolean {
  try {
    return !/^State:\s*[ZX]/m.test(readFileSync(`/proc/${pid}/status`, 'latin1'));
  } catch {
    return false;
  }
}
