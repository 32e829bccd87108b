/** As with node:cluster, a socket of UDP that workers bind is one for all of them. */
import { createSocket, type Socket } from 'node:dgram';
import { once } from 'node:events';
import { networkInterfaces } from 'node:os';
import { expect, onTestFinished, test } from 'vitest';
import { eventually } from '../../helpers/eventually';
import { freePort } from '../../helpers/port';
import { type Served, serve } from '../../helpers/served';

const HAS_IPV6 = Object.values(networkInterfaces()).some((all) =>
  all?.some(({ address }) => address === '::1'),
);

/**
 * Each worker answers datagrams with its pid; one that is asked to leave closes its socket, or binds another one. The answer comes
 * when it is closed: the next datagram is not for it.
 */
const application = (bind: string, type: string, options = '') => `
  const { createSocket } = require('node:dgram');
  const open = (bound) => {
    const socket = createSocket({ type: '${type}' ${options} });
    socket.on('error', ({ code }) => console.log('failed ' + code));
    socket.on('message', (text, { port, address }) => {
      const left = (own) => own.send(String(process.pid), port, address, () => own.close());
      if (String(text) === 'leave') socket.close(() => left(createSocket('${type}')));
      else if (String(text) === 'bind again') socket.close(() => open((other) => other.send('bound', port, address)));
      else socket.send(String(process.pid), port, address);
    });
    socket.bind(${bind}, () => bound(socket));
  };
  const server = require('node:http').createServer();
  open(() => server.listen(0, '127.0.0.1'));`;

function start(source: string, preload: string): Promise<Served> {
  return serve(['app.js', '-w', '2', '--preload', preload], { files: { 'app.js': source } });
}

class Client {
  readonly #socket: Socket;
  readonly #port: number;
  readonly #host: string;

  constructor(type: 'udp4' | 'udp6', port: number) {
    this.#socket = createSocket(type);
    this.#port = port;
    this.#host = type === 'udp6' ? '::1' : '127.0.0.1';
    onTestFinished(() => void this.#socket.close());
  }

  async ask(text: string): Promise<string> {
    const answer = once(this.#socket, 'message', { signal: AbortSignal.timeout(30_000) });
    this.#socket.send(text, this.#port, this.#host);
    return String((await answer)[0]);
  }
}

test.each([
  ['yes', 'udp4'],
  ['no', 'udp4'],
  ...(HAS_IPV6 ? [['yes', 'udp6'] as const, ['no', 'udp6'] as const] : []),
] as const)(
  'With --preload %s, %s: what one worker leaves the other gets, and a reload changes nothing.',
  async (preload, type) => {
    const port = freePort();
    const served = await start(application(String(port), type), preload);
    const client = new Client(type, port);
    const ask = (text: string) => client.ask(text);
    const both = async () => [await ask('leave'), await ask('who?')];
    const before = await both();
    expect(new Set(before).size).toBe(2);
    served.running.kill('SIGHUP');
    await served.until(/Every worker has been replaced/);
    // An old one that takes a datagram may end before it has answered.
    await eventually(() => served.running.workers().length === 2);
    const after = await both();
    expect(new Set(after).size).toBe(2);
    expect(await served.stop()).toBe('status 0');
    expect(served.running.stdout).toBe('');
  },
);

test.each(['yes', 'no'])(
  'A worker may close it and bind the address again, with --preload %s.',
  async (preload) => {
    const port = freePort();
    const served = await start(application(String(port), 'udp4'), preload);
    const client = new Client('udp4', port);
    for (let turn = 0; turn < 5; turn++) expect(await client.ask('bind again')).toBe('bound');
    expect(await served.stop()).toBe('status 0');
    expect(served.running.stdout).toBe('');
  },
);

test('exclusive: true is one worker for itself, and the other gets EADDRINUSE.', async () => {
  const port = freePort();
  // Who gets no socket listens all the same, or would never be ready.
  const source = application(`{ port: ${port}, exclusive: true }`, 'udp4').replace(
    "console.log('failed ' + code)",
    "{ console.log('failed ' + code); server.listen(0, '127.0.0.1'); }",
  );
  const served = await start(source, 'no');
  await new Client('udp4', port).ask('who?');
  expect(await served.stop()).toBe('status 0');
  expect(served.running.stdout).toBe('failed EADDRINUSE\n');
});

test('An address that somebody else has is in use for every worker.', async () => {
  const port = freePort();
  const other = createSocket('udp4');
  onTestFinished(() => void other.close());
  await new Promise<void>((resolve) => other.bind(port, () => resolve()));
  const source = application(String(port), 'udp4').replace(
    "console.log('failed ' + code)",
    "{ console.log('failed ' + code); server.listen(0, '127.0.0.1'); }",
  );
  const served = await start(source, 'no');
  expect(await served.stop()).toBe('status 0');
  expect(served.running.stdout).toBe('failed EADDRINUSE\nfailed EADDRINUSE\n');
});

test.each(['yes', 'no'])(
  'A multicast group is joined by all, with reuseAddr, and --preload %s.',
  async (preload) => {
    const port = freePort();
    const source = application(String(port), 'udp4', ', reuseAddr: true').replace(
      '() => bound(socket)',
      "() => { socket.addMembership('239.255.1.2', '127.0.0.1'); bound(socket); }",
    );
    const served = await start(source, preload);
    const client = new Client('udp4', port);
    const answers = [await client.ask('leave'), await client.ask('who?')];
    expect(new Set(answers).size).toBe(2);
    expect(await served.stop()).toBe('status 0');
    expect(served.running.stdout).toBe('');
  },
);
