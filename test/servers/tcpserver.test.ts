/** Ports of Tornado's tcpserver_test. */
import { once } from 'node:events';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { connect, createServer, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import tls from 'node:tls';
import { afterAll, afterEach, describe, expect, test, vi } from 'vitest';
import { setLogger } from '../../lib/log';
import { bindSockets, type ListeningSocket } from '../../lib/netutil';
import { tlsOptions } from '../../lib/servers/tls';
import { type PeerAddress, TCPServer } from '../../lib/tcpserver';
import { selfSigned } from '../helpers/certificate';
import { runStdin } from '../helpers/stdin';

// Processes start slowly on a busy machine.
vi.setConfig({ testTimeout: 60_000 });

function bindUnusedPort(): { socket: ListeningSocket; port: number } {
  const [socket] = bindSockets(0, '127.0.0.1');
  const name = socket?.address();
  if (socket === undefined || typeof name !== 'object') throw new Error('nothing bound');
  return { socket, port: name.port };
}

const directory = mkdtempSync(join(tmpdir(), 'prefork-tcp-'));

afterEach(() => setLogger(null));

afterAll(() => rmSync(directory, { recursive: true, force: true }));

describe('TCPServerTest', () => {
  test('test_handle_stream_coroutine_logging: an error in a promise is logged, and the stream closed', async () => {
    class TestServer extends TCPServer {
      override async handleStream(stream: Socket): Promise<void> {
        await once(stream, 'data');
        throw new Error('division by zero');
      }
    }
    const logger = { info: vi.fn(), warn: vi.fn(), error: vi.fn() };
    setLogger(logger);
    const { socket, port } = bindUnusedPort();
    const server = new TestServer();
    server.addSocket(socket);
    const client = connect(port);
    client.write('hello');
    expect(await text(client)).toBe('');
    server.stop();
    expect(logger.error).toHaveBeenCalledWith(
      expect.stringMatching(/^Exception in callback\nError: division by zero\n/),
    );
  });

  test('test_handle_stream_native_coroutine', async () => {
    class TestServer extends TCPServer {
      override async handleStream(stream: Socket): Promise<void> {
        stream.end('data');
      }
    }
    const { socket, port } = bindUnusedPort();
    const server = new TestServer();
    server.addSocket(socket);
    expect(await text(connect(port))).toBe('data');
    server.stop();
  });

  test('test_stop_twice', () => {
    const server = new TCPServer();
    server.addSocket(bindUnusedPort().socket);
    server.stop();
    server.stop();
  });

  test('test_stop_in_callback: connections that wait in the same turn do no harm', async () => {
    class TestServer extends TCPServer {
      override handleStream(stream: Socket): void {
        this.stop();
        stream.resume().on('error', () => {});
      }
    }
    const { socket, port } = bindUnusedPort();
    const server = new TestServer();
    server.addSocket(socket);
    const clients = Array.from({ length: 40 }, () => connect(port));
    for (const client of clients) client.on('error', () => {}); // those that nobody has accepted are reset
    const outcomes = await Promise.allSettled(clients.map((client) => once(client, 'connect')));
    expect(outcomes.filter(({ status }) => status === 'fulfilled').length).toBeGreaterThan(0);
    for (const client of clients) client.destroy();
  });

  test('stop leaves connections open', async () => {
    class Echo extends TCPServer {
      override handleStream(stream: Socket): void {
        stream.pipe(stream);
      }
    }
    const { socket, port } = bindUnusedPort();
    const server = new Echo();
    server.addSocket(socket);
    const client = connect(port);
    await once(client, 'connect');
    client.write('before ');
    await once(client, 'data');
    server.stop();
    client.end('after');
    expect(await text(client)).toBe('after');
  });

  test('a client that resets its connection closes its stream, and nothing else', async () => {
    const server = new TCPServer();
    const reset = new Promise<boolean>((resolve) => {
      server.handleStream = (stream: Socket) => {
        stream.on('data', (data) => stream.write(data)).on('close', resolve);
      };
    });
    const { socket, port } = bindUnusedPort();
    server.addSocket(socket);
    const client = connect(port);
    client.write('x');
    await once(client, 'data');
    client.resetAndDestroy();
    expect(await reset).toBe(true);
    const next = connect(port);
    next.end('still there');
    expect(await text(next)).toBe('still there');
    server.stop();
  });

  test('the address of a client that has gone already is the one it had', async () => {
    const { socket, port } = bindUnusedPort();
    const client = connect(port);
    await once(client, 'connect');
    const { localPort } = client;
    client.resetAndDestroy();
    await once(client, 'close');
    const server = new TCPServer();
    const handled = new Promise<PeerAddress>((resolve) => {
      server.handleStream = (_stream, address) => resolve(address);
    });
    server.addSocket(socket);
    expect(await handled).toEqual({ address: '127.0.0.1', family: 'IPv4', port: localPort });
    server.stop();
  });

  test('a client with a certificate of nobody known does not get as far as handleStream', async () => {
    const mine = selfSigned(directory, 'mine');
    const stranger = selfSigned(directory, 'stranger');
    setLogger({ info: () => {}, warn: () => {}, error: () => {} });
    const server = new TCPServer({ sslOptions: { ...mine, caCerts: mine.certfile, certReqs: 'optional' } });
    const handleStream = vi.fn((stream: Socket) => stream.end('welcome'));
    server.handleStream = handleStream;
    const { socket, port } = bindUnusedPort();
    server.addSocket(socket);
    const answer = (shown: tls.ConnectionOptions) =>
      text(tls.connect({ port, host: '127.0.0.1', rejectUnauthorized: false, ...shown }));
    const theirs = { cert: readFileSync(stranger.certfile), key: readFileSync(stranger.keyfile) };
    await answer(theirs).catch(() => {}); // reset, or closed without an answer
    expect(handleStream).not.toHaveBeenCalled();
    expect(await answer({})).toBe('welcome');
    server.stop();
  });

  test.each(['optional', 'required'] as const)('certReqs %s without caCerts trusts nobody', (certReqs) => {
    const certfile = __filename; // is only read
    expect(tlsOptions({ certfile, certReqs })).toMatchObject({ requestCert: true, ca: [] });
    expect(tlsOptions({ certfile, certReqs, ca: 'of Node’s' })).toMatchObject({ ca: 'of Node’s' });
    expect(tlsOptions({ certfile })).not.toHaveProperty('ca');
  });

  test('options that are null are as if not given', () => {
    expect(() => new TCPServer({ sslOptions: null, maxBufferSize: null })).not.toThrow();
  });

  test('options of net.Server are its own', () => {
    const { nodeServer } = new TCPServer({ allowHalfOpen: true, maxBufferSize: 1000 });
    expect(nodeServer).toBeInstanceOf(createServer().constructor);
    expect(nodeServer).toMatchObject({ allowHalfOpen: true });
  });
});

/**
 * TestMultiprocess: each process prints its task id, a single byte, so that nobody has to worry about the atomicity
 * of the shared stream, and then ends.
 */
const MULTIPROCESS = {
  test_listen_single: `
    const { TCPServer } = require('prefork/tcpserver');

    const server = new TCPServer();
    server.listen(0, '127.0.0.1');
    process.stdout.write('012');
    server.stop();
  `,
  test_bind_start: `
    const { taskId } = require('prefork/process');
    const { TCPServer } = require('prefork/tcpserver');

    const server = new TCPServer();
    server.bind(0, '127.0.0.1');
    server.start(3);
    process.stdout.write(String(taskId()));
    server.stop();
  `,
  test_add_sockets: `
    const { bindSockets } = require('prefork/netutil');
    const { forkProcesses, taskId } = require('prefork/process');
    const { TCPServer } = require('prefork/tcpserver');

    const sockets = bindSockets(0, '127.0.0.1');
    forkProcesses(3);
    const server = new TCPServer();
    server.addSockets(sockets);
    process.stdout.write(String(taskId()));
    server.stop();
  `,
  test_listen_multi_reuse_port: `
    const { AF_INET, bindSockets } = require('prefork/netutil');
    const { forkProcesses, taskId } = require('prefork/process');
    const { TCPServer } = require('prefork/tcpserver');

    // Pick an unused port which we will be able to bind to multiple times.
    const [sock] = bindSockets(0, '127.0.0.1', { family: AF_INET, reusePort: true });
    const { port } = sock.address();

    forkProcesses(3);

    const server = new TCPServer();
    server.listen(port, '127.0.0.1', { reusePort: true });
    process.stdout.write(String(taskId()));
    server.stop();
  `,
};

const asModule = (program: string) =>
  program.replace(/const (\{.*\}) = require\((.*)\);/g, 'import $1 from $2;');

describe('TestMultiprocess', () => {
  test.each(Object.entries(MULTIPROCESS))('%s', async (_name, program) => {
    for (const [flag, source] of [
      ['--input-type=commonjs', program],
      ['--input-type=module', asModule(program)],
    ] as const) {
      const { stdout, stderr, status } = await runStdin(source, { flags: [flag] });
      expect({ stdout: [...stdout].sort().join(''), stderr, status }).toEqual({
        stdout: '012',
        stderr: '',
        status: 0,
      });
    }
  });
});
