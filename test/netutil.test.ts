// The sockets must be those that Tornado binds, and a server on them must be to its users what it is
// after listen(): each test says which part of that it holds us to.
import { execFileSync, spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import * as http from 'node:http';
import * as http2 from 'node:http2';
import * as https from 'node:https';
import { createRequire } from 'node:module';
import * as net from 'node:net';
import { constants, tmpdir } from 'node:os';
import { join } from 'node:path';
import * as tls from 'node:tls';
import fastify from 'fastify';
import { afterAll, afterEach, beforeAll, describe, expect, it, vi } from 'vitest';
import { binding } from '../lib/binding';
import {
  AF_INET,
  AF_INET6,
  AF_UNIX,
  AI_NUMERICHOST,
  addAcceptHandler,
  addSockets,
  bindSockets,
  bindUnixSocket,
  isValidIp,
  ListeningSocket,
} from '../lib/netutil';

// Python starts slowly on a busy machine.
vi.setConfig({ testTimeout: 30_000 });

interface Express {
  (request: http.IncomingMessage, response: http.ServerResponse): void;
  get(path: string, handler: (request: unknown, response: { send(body: string): void }) => void): Express;
}
const express = createRequire(__filename)('express') as () => Express;

const LOOPBACKS = ['127.0.0.1', '::1'];
const PYTHON = '/usr/bin/python3';
const ORACLE = join(__dirname, 'oracle/netutil.py');
const hasTornado = spawnSync(PYTHON, ['-c', 'import tornado']).status === 0;
if (!hasTornado) console.warn(`SKIPPED: ${PYTHON} has no tornado, nothing is compared with it`);

const directory = mkdtempSync(join(tmpdir(), 'prefork-'));
afterAll(() => rmSync(directory, { recursive: true }));

const opened: ListeningSocket[] = [];
afterEach(() => {
  vi.restoreAllMocks();
  for (const socket of opened.splice(0)) socket.close();
});

/** Bound sockets that the test need not close. */
function bound(...args: Parameters<typeof bindSockets>): ListeningSocket[] {
  const sockets = bindSockets(...args);
  opened.push(...sockets);
  return sockets;
}

function boundUnix(...args: Parameters<typeof bindUnixSocket>): ListeningSocket {
  const socket = bindUnixSocket(...args);
  opened.push(socket);
  return socket;
}

function portOf(socket: ListeningSocket | undefined): number {
  const address = socket?.address();
  if (typeof address !== 'object') throw new Error('not a TCP socket');
  return address.port;
}

function only<T>(values: T[]): T {
  expect(values).toHaveLength(1);
  return values[0] as T;
}

function thrownBy(action: () => unknown): NodeJS.ErrnoException & Record<string, unknown> {
  try {
    action();
  } catch (error) {
    return error as NodeJS.ErrnoException & Record<string, unknown>;
  }
  throw new Error('nothing was thrown');
}

async function connect(options: net.NetConnectOpts): Promise<net.Socket> {
  const client = net.connect(options);
  await once(client, 'connect');
  return client;
}

async function readAll(stream: NodeJS.ReadableStream): Promise<string> {
  let all = '';
  stream.on('data', (chunk) => {
    all += chunk;
  });
  await once(stream, 'end');
  return all;
}

async function closed(server: net.Server): Promise<void> {
  await new Promise<void>((resolve, reject) => server.close((error) => (error ? reject(error) : resolve())));
}

async function connectionCount(server: net.Server): Promise<number> {
  return new Promise((resolve) => server.getConnections((_, count) => resolve(count)));
}

function tornado(args: string[], inherited: number[] = []): unknown {
  const result = spawnSync(PYTHON, [ORACLE, ...args], { stdio: ['ignore', 'pipe', 'pipe', ...inherited] });
  if (result.status !== 0) throw new Error(result.stderr.toString());
  return JSON.parse(result.stdout.toString());
}

describe('bindSockets', () => {
  // tornado.test.netutil_test.TestPortAllocation.test_same_port_allocation
  it.each([['localhost'], [null]])('gives all sockets of %s the same free port', (address) => {
    const sockets = bound(0, address);
    const ports = new Set(sockets.map(portOf));

    expect(ports.size).toBe(1);
    expect(ports).not.toContain(0);
  });

  // tornado.test.netutil_test.TestPortAllocation.test_reuse_port
  it('lets a port be bound twice if both ask for it, and not otherwise', () => {
    const port = portOf(only(bound(0, '127.0.0.1', { reusePort: true })));

    expect(portOf(only(bound(port, '127.0.0.1', { reusePort: true })))).toBe(port);
    expect(thrownBy(() => bindSockets(port, '127.0.0.1'))).toMatchObject({ code: 'EADDRINUSE' });
  });

  it('binds IPv4 first, then IPv6, on every interface', () => {
    const wildcards = bound(0).map((socket) => socket.address());

    expect(wildcards).toMatchObject([
      { address: '0.0.0.0', family: 'IPv4' },
      { address: '::', family: 'IPv6' },
    ]);
    expect(bound(0, '').map(({ family }) => family)).toEqual([AF_INET, AF_INET6]);
    expect(bound(0, undefined).map(({ family }) => family)).toEqual([AF_INET, AF_INET6]);
  });

  it.each([
    [AF_INET, '0.0.0.0'],
    [4, '0.0.0.0'],
    [AF_INET6, '::'],
    [6, '::'],
  ])('binds one family only when asked: %i', (family, address) => {
    expect(only(bound(0, null, { family })).address()).toMatchObject({ address });
  });

  it('without AI_PASSIVE binds loopback', () => {
    expect(
      new Set(bound(0, null, { flags: 0 }).map((s) => (s.address() as net.AddressInfo).address)),
    ).toEqual(new Set(LOOPBACKS));
  });

  it('closes its sockets on exec', () => {
    for (const { fd } of bound(0)) {
      const flags = Number.parseInt(
        /^flags:\s*(\d+)/m.exec(readFileSync(`/proc/self/fdinfo/${fd}`, 'utf8'))?.[1] ?? '',
        8,
      );
      expect(flags & 0o2000000).not.toBe(0);
    }
  });

  it
    .skipIf(!hasTornado)
    .each([
      {},
      { address: '' },
      { address: 'localhost' },
      { address: '127.0.0.1' },
      { address: '::1' },
      { family: AF_INET },
      { family: AF_INET6 },
      { flags: 0 },
      { backlog: 7 },
      { reusePort: true },
    ])('sets the options that Tornado sets: %j', ({ address, reusePort, ...rest }) => {
    const sockets = bound(0, address, { ...rest, ...(reusePort ? { reusePort } : {}) });
    const inherited = sockets.map((_, index) => String(3 + index));
    const asked = { ...rest, ...(address === undefined ? {} : { address }), reuse_port: reusePort ?? false };

    const ours = tornado(
      ['describe', ...inherited],
      sockets.map(({ fd }) => fd),
    );
    const theirs = tornado(['bind', JSON.stringify(asked)]);

    expect(ours).toEqual(theirs);
  });

  describe('errors', () => {
    it('says which address is in use', () => {
      const port = portOf(only(bound(0, '127.0.0.1')));

      expect(thrownBy(() => bindSockets(port, '127.0.0.1'))).toMatchObject({
        message: `bind EADDRINUSE 127.0.0.1:${port}`,
        errno: -constants.errno.EADDRINUSE,
        code: 'EADDRINUSE',
        syscall: 'bind',
        address: '127.0.0.1',
        port,
      });
    });

    it('says which address is not available', () => {
      expect(thrownBy(() => bindSockets(0, '192.0.2.1'))).toMatchObject({
        code: 'EADDRNOTAVAIL',
        syscall: 'bind',
        address: '192.0.2.1',
        port: 0,
      });
    });

    it('looks like dns.lookup for a name that does not exist', () => {
      expect(
        thrownBy(() => bindSockets(0, 'does-not-exist.invalid', { flags: AI_NUMERICHOST })),
      ).toMatchObject({
        message: 'getaddrinfo ENOTFOUND does-not-exist.invalid',
        errno: -3008,
        code: 'ENOTFOUND',
        syscall: 'getaddrinfo',
        hostname: 'does-not-exist.invalid',
      });
    });

    it('keeps the other errors of getaddrinfo apart', () => {
      expect(thrownBy(() => bindSockets(0, '::1', { family: AF_INET })).code).toMatch(
        /^EAI_ADDRFAMILY$|^ENOTFOUND$/,
      );
      expect(thrownBy(() => bindSockets(0, null, { flags: 0x4000_0000 }))).toMatchObject({
        message: 'getaddrinfo EAI_BADFLAGS',
        code: 'EAI_BADFLAGS',
        errno: -3002,
      });
    });

    it.each([-1, 65536, 99999, 1.5, Number.NaN])('refuses port %d', (port) => {
      const error = thrownBy(() => bindSockets(port));
      expect(error).toBeInstanceOf(RangeError);
      expect(error.code).toBe('ERR_PREFORK_OUT_OF_RANGE');
    });

    it.each<[string, () => unknown]>([
      ['port', () => bindSockets('80' as unknown as number)],
      ['address', () => bindSockets(0, 1 as unknown as string)],
      ['address', () => bindSockets(0, 'local\0host')],
      ['family', () => bindSockets(0, null, { family: AF_UNIX })],
      ['backlog', () => bindSockets(0, null, { backlog: '1' as unknown as number })],
      ['reusePort', () => bindSockets(0, null, { reusePort: 1 as unknown as boolean })],
      ['path', () => bindUnixSocket('')],
      ['path', () => bindUnixSocket('a\0b')],
      ['mode', () => bindUnixSocket('\0a', { mode: '600' as unknown as number })],
      ['socket', () => addAcceptHandler({} as ListeningSocket, () => {})],
      ['callback', () => addAcceptHandler(only(bound(0, '127.0.0.1')), 1 as unknown as () => void)],
      ['server', () => addSockets({} as net.Server, [])],
      ['each of sockets', () => addSockets(net.createServer(), [{} as ListeningSocket])],
      ['ip', () => isValidIp(1 as unknown as string)],
    ])('says what it expected for %s', (name, action) => {
      const error = thrownBy(action);
      expect(error).toBeInstanceOf(TypeError);
      expect(error.code).toMatch(/^ERR_PREFORK_INVALID_ARG_/);
      expect(error.message).toMatch(new RegExp(`^Expected .* for ${name}`));
    });

    it('leaves no socket open when a later one fails', () => {
      const [ipv4, ipv6] = bound(0); // a port that nobody else has on either
      const port = portOf(ipv6);
      ipv4?.close();

      expect(thrownBy(() => bindSockets(port))).toMatchObject({ code: 'EADDRINUSE', address: '::' });
      expect(portOf(only(bound(port, '0.0.0.0')))).toBe(port);
    });
  });

  describe('on systems unlike this one', () => {
    const both = () => [
      ...(binding.socket_getaddrinfo('127.0.0.1', '0', 0, 0) as object[]),
      ...(binding.socket_getaddrinfo('::1', '0', 0, 0) as object[]),
    ];
    const resolveToBoth = () => vi.spyOn(binding, 'socket_getaddrinfo').mockReturnValue(both() as never);
    const refuseIPv6 = () => {
      const bind = binding.socket_bind_inet;
      vi.spyOn(binding, 'socket_bind_inet').mockImplementation((fd, sockaddr, port) =>
        sockaddr.byteLength > 16 ? -constants.errno.EADDRNOTAVAIL : bind(fd, sockaddr, port),
      );
    };

    it('does without ::1 of localhost where IPv6 is half disabled', () => {
      resolveToBoth();
      refuseIPv6();
      expect(only(bound(0, 'localhost')).family).toBe(AF_INET);
    });

    it('reports the same of any other name', () => {
      resolveToBoth();
      refuseIPv6();
      expect(thrownBy(() => bindSockets(0, 'other'))).toMatchObject({
        code: 'EADDRNOTAVAIL',
        address: '::1',
      });
    });

    it('does without a family that the system does not have', () => {
      const open = binding.socket_open;
      vi.spyOn(binding, 'socket_open').mockImplementation((family, protocol) =>
        family === AF_INET6 ? -constants.errno.EAFNOSUPPORT : open(family, protocol),
      );
      expect(only(bound(0)).family).toBe(AF_INET);
    });

    it('chooses another port if that of the first address is taken on the second', () => {
      const bind = binding.socket_bind_inet;
      const asked: number[] = [];
      vi.spyOn(binding, 'socket_bind_inet').mockImplementation((fd, sockaddr, port) => {
        const isTaken = sockaddr.byteLength > 16 && asked.push(port) === 1;
        return isTaken ? -constants.errno.EADDRINUSE : bind(fd, sockaddr, port);
      });
      const sockets = bound(0);
      expect(sockets.map(portOf)).toEqual([asked[1], asked[1]]);
      expect(asked).toHaveLength(2);

      vi.spyOn(binding, 'socket_bind_inet').mockReturnValue(-constants.errno.EADDRINUSE);
      expect(thrownBy(() => bindSockets(0))).toMatchObject({ code: 'EADDRINUSE', address: '0.0.0.0' });
    });

    it('takes each address once, IPv4 first', () => {
      const reversed = [...both(), ...both()].reverse();
      vi.spyOn(binding, 'socket_getaddrinfo').mockReturnValue(reversed as never);
      expect(bound(0, 'other').map(({ family }) => family)).toEqual([AF_INET, AF_INET6]);
    });

    it('says that SO_REUSEPORT is missing, and does without SO_REUSEADDR', () => {
      vi.spyOn(binding, 'socket_setsockopt').mockReturnValue(-constants.errno.ENOPROTOOPT);
      expect(only(bound(0, '127.0.0.1')).family).toBe(AF_INET);
      expect(thrownBy(() => bindSockets(0, '127.0.0.1', { reusePort: true }))).toMatchObject({
        code: 'ERR_PREFORK_UNSUPPORTED',
        message: "the platform doesn't support SO_REUSEPORT",
      });
    });
  });
});

describe('bindUnixSocket', () => {
  it.each([0o600, 0o666])('makes a socket file of mode %o, and replaces an old one', (mode) => {
    const path = join(directory, 'mode.sock');
    boundUnix(path);
    const socket = boundUnix(path, { mode });

    expect(statSync(path).isSocket()).toBe(true);
    expect(statSync(path).mode & 0o7777).toBe(mode);
    expect([socket.family, socket.address()]).toEqual([AF_UNIX, path]);
    socket.close();
    expect(existsSync(path)).toBe(true);
  });

  it('leaves any other file alone', () => {
    const path = join(directory, 'precious');
    writeFileSync(path, 'data');

    expect(thrownBy(() => bindUnixSocket(path)).message).toBe(`File ${path} exists and is not a socket`);
    expect(readFileSync(path, 'utf8')).toBe('data');
  });

  it('says that a path is too long, and takes the longest one', () => {
    const longest = join(directory, 'x'.repeat(107 - directory.length - 1));

    expect(boundUnix(longest).address()).toBe(longest);
    expect(thrownBy(() => bindUnixSocket(`${longest}x`))).toMatchObject({
      code: 'ENAMETOOLONG',
      syscall: 'bind',
      address: `${longest}x`,
    });
    expect(boundUnix(`\0${'x'.repeat(107)}`).address()).toBe(`\0${'x'.repeat(107)}`);
    expect(thrownBy(() => bindUnixSocket(`\0${'x'.repeat(108)}`)).code).toBe('ENAMETOOLONG');
  });

  it('names an abstract socket once', () => {
    const path = `\0prefork-${process.pid}-once`;
    boundUnix(path);
    expect(thrownBy(() => bindUnixSocket(path)).code).toBe('EADDRINUSE');
  });

  it('says where a directory is missing', () => {
    const address = join(directory, 'missing/socket');
    expect(thrownBy(() => bindUnixSocket(address))).toMatchObject({
      code: 'ENOENT',
      syscall: 'bind',
      address,
    });
  });

  // tornado.test.httpserver_test.UnixSocketTestFile and UnixSocketTestAbstract
  describe.each([
    ['file', join(directory, 'http.sock')],
    // The libuv of Node 20 (1.46) pads the name that a client asks for to 108 bytes.
    ['abstract', `\0prefork-${process.pid}-http`.padEnd(108, '-')],
  ])('serves HTTP over a socket: %s', (_, path) => {
    const exchange = async (request: string) => {
      const server = http.createServer((_, response) => response.end('Hello world'));
      addSockets(server, [boundUnix(path)]);
      const client = await connect({ path });
      client.end(request);
      const response = await readAll(client);
      expect(server.address()).toBe(path);
      await closed(server);
      return response;
    };

    it('a request', async () => {
      const response = await exchange('GET /hello HTTP/1.0\r\n\r\n');
      expect(response).toMatch(/^HTTP\/1.1 200 OK\r\n/);
      expect(response).toMatch(/Hello world$/);
    });

    it('garbage', async () => {
      expect(await exchange('garbage\r\n\r\n')).toMatch(/^HTTP\/1.1 400 Bad Request/);
    });
  });
});

describe('ListeningSocket', () => {
  it('closes once, and remembers where it was', () => {
    const [socket] = bound(0, '127.0.0.1');
    const address = socket?.address();
    socket?.close();
    socket?.close();

    expect(socket?.fd).toBe(-1);
    expect(socket?.address()).toEqual(address);
    expect(bound(portOf(socket), '127.0.0.1')).toHaveLength(1);
  });

  it('refuses what is no socket', () => {
    expect(thrownBy(() => new ListeningSocket(-1)).code).toBe('ERR_PREFORK_OUT_OF_RANGE');
    expect(thrownBy(() => new ListeningSocket(1_000_000))).toMatchObject({
      code: 'EBADF',
      syscall: 'getsockname',
    });
  });
});

describe('addAcceptHandler', () => {
  /** `count` clients of `socket` that the kernel has connected and nobody has accepted. */
  async function queue(socket: ListeningSocket, count: number): Promise<net.Socket[]> {
    const connecting = Array.from({ length: count }, () =>
      connect({ host: '127.0.0.1', port: portOf(socket) }),
    );
    return Promise.all(connecting);
  }

  it('hands over each connection and its other end', async () => {
    for (const host of LOOPBACKS) {
      const socket = only(bound(0, host));
      const accepted = new Promise<[net.Socket, unknown]>((resolve) => {
        const stop = addAcceptHandler(socket, (connection, address) => {
          resolve([connection, address]);
          stop();
        });
      });
      const client = await connect({ host, port: portOf(socket) });
      const [connection, address] = await accepted;

      expect(address).toEqual({
        address: host,
        family: net.isIPv6(host) ? 'IPv6' : 'IPv4',
        port: client.localPort,
      });
      connection.end('hello');
      expect(await readAll(client)).toBe('hello');
    }
  });

  it('accepts 128 connections a turn, and lets each leave its ticks behind', async () => {
    const socket = only(bound(0, '127.0.0.1', { backlog: 512 }));
    const clients = await queue(socket, 300);
    const turns: number[] = [];
    const order: string[] = [];
    let thisTurn = 0;
    await new Promise<void>((resolve) => {
      const endTurn = () => {
        if (thisTurn > 0) turns.push(thisTurn);
        thisTurn = 0;
        if (turns.reduce((sum, each) => sum + each, 0) < 300) setImmediate(endTurn);
        else resolve();
      };
      setImmediate(endTurn);
      addAcceptHandler(socket, (connection) => {
        thisTurn++;
        order.push('connection');
        process.nextTick(() => order.push('tick'));
        connection.destroy();
      });
    });

    expect(turns).toEqual([128, 128, 44]);
    expect(order.slice(0, 4)).toEqual(['connection', 'tick', 'connection', 'tick']);
    for (const client of clients) client.destroy();
  });

  it('stops in the middle of a turn, and leaves the rest in the queue', async () => {
    const socket = only(bound(0, '127.0.0.1'));
    const clients = await queue(socket, 5);
    const first = await new Promise<number>((resolve) => {
      let count = 0;
      const stop = addAcceptHandler(socket, (connection) => {
        connection.destroy();
        stop();
        stop();
        count++;
        setImmediate(() => resolve(count));
      });
    });
    const rest = await new Promise<number>((resolve) => {
      let count = 0;
      addAcceptHandler(socket, (connection) => {
        connection.destroy();
        if (++count === 4) setImmediate(() => resolve(count));
      });
    });

    expect([first, rest]).toEqual([1, 4]);
    for (const client of clients) client.destroy();
  });

  it('goes on after a callback that threw', async () => {
    const socket = only(bound(0, '127.0.0.1'));
    const clients = await queue(socket, 2);
    const uncaught: unknown[] = [];
    const others = process.listeners('uncaughtException');
    process.removeAllListeners('uncaughtException');
    process.on('uncaughtException', (error) => uncaught.push(error.message));
    await new Promise<void>((resolve) => {
      let count = 0;
      addAcceptHandler(socket, (connection) => {
        connection.destroy();
        if (++count === 2) setImmediate(resolve);
        throw new Error(`callback ${count}`);
      });
    });
    process.removeAllListeners('uncaughtException');
    for (const other of others) process.on('uncaughtException', other);

    expect(uncaught).toEqual(['callback 1', 'callback 2']);
    for (const client of clients) client.destroy();
  });

  it('is one a socket, and none on a closed one', () => {
    const socket = only(bound(0, '127.0.0.1'));
    const stop = addAcceptHandler(socket, () => {});
    expect(thrownBy(() => addAcceptHandler(socket, () => {}))).toMatchObject({
      code: 'EEXIST',
      syscall: 'accept',
    });
    stop();
    addAcceptHandler(socket, () => {})();
    socket.close();
    expect(thrownBy(() => addAcceptHandler(socket, () => {})).code).toBe('EBADF');
  });

  it('leaves the queue alone for a second when the process is out of descriptors', async () => {
    const fixture = join(__dirname, 'fixtures/out-of-descriptors.js');
    const program = spawn('sh', ['-c', 'ulimit -n 64 && exec "$0" "$1"', process.execPath, fixture], {
      stdio: ['ignore', 'pipe', 'inherit'],
    });
    const output = readAll(program.stdout);
    const [port] = (await once(program.stdout, 'data')) as [Buffer];
    const client = await connect({ host: '127.0.0.1', port: Number(port) });

    expect(await readAll(client)).toBe('served');
    expect(await output).toBe(`${port}AcceptWarning: accept EMFILE: no connection is accepted for 1 s\n`);
  });
});

describe('addSockets', () => {
  let key: string;
  let cert: string;
  beforeAll(() => {
    const [keyFile, certFile] = [join(directory, 'key.pem'), join(directory, 'cert.pem')];
    const request =
      'req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -days 2 -subj /CN=localhost';
    const names = ['-addext', 'subjectAltName=DNS:localhost,IP:127.0.0.1,IP:::1'];
    execFileSync('openssl', [...request.split(' '), ...names, '-keyout', keyFile, '-out', certFile], {
      stdio: 'pipe',
    });
    key = readFileSync(keyFile, 'utf8');
    cert = readFileSync(certFile, 'utf8');
  });

  const url = (scheme: string, host: string, port: number) =>
    `${scheme}://${net.isIPv6(host) ? `[${host}]` : host}:${port}`;

  async function get(module: typeof http | typeof https, target: string): Promise<string> {
    const request = module.get(target, {
      ca: cert,
      servername: 'localhost',
      agent: false,
    } as https.RequestOptions);
    const [response] = (await once(request, 'response')) as [http.IncomingMessage];
    return readAll(response);
  }

  async function get2(target: string): Promise<string> {
    const session = http2.connect(target, { ca: cert, servername: 'localhost' });
    const body = await readAll(session.request({ ':path': '/' }).setEncoding('utf8'));
    session.close();
    return body;
  }

  const answer = (request: { socket: net.Socket }, response: { end(body: string): unknown }) =>
    response.end(`at ${request.socket.localAddress}`);

  const kinds: [string, () => net.Server, (host: string, port: number) => Promise<string>][] = [
    ['http', () => http.createServer(answer), (host, port) => get(http, url('http', host, port))],
    [
      'https',
      () => https.createServer({ key, cert }, answer),
      (host, port) => get(https, url('https', host, port)),
    ],
    ['http2', () => http2.createServer(answer as never), (host, port) => get2(url('http', host, port))],
    [
      'http2 over tls',
      () => http2.createSecureServer({ key, cert }, answer as never),
      (host, port) => get2(url('https', host, port)),
    ],
    [
      'tls',
      () => tls.createServer({ key, cert }, (socket) => socket.end(`at ${socket.localAddress}`)),
      (host, port) =>
        readAll(tls.connect({ host, port, ca: cert, servername: 'localhost' }).setEncoding('utf8')),
    ],
    [
      'net',
      () => net.createServer((socket) => socket.end(`at ${socket.localAddress}`)),
      async (host, port) => readAll((await connect({ host, port })).setEncoding('utf8')),
    ],
  ];

  it.each(kinds)('serves IPv4 and IPv6 at once: %s', async (_, create, ask) => {
    const server = create();
    const sockets = bound(0);
    const port = portOf(sockets[0]);
    addSockets(server, sockets);
    await once(server, 'listening');

    expect(await Promise.all(LOOPBACKS.map((host) => ask(host, port)))).toEqual(
      LOOPBACKS.map((host) => `at ${host}`),
    );
    await closed(server);
    for (const host of LOOPBACKS) await expect(connect({ host, port })).rejects.toThrow('ECONNREFUSED');
  });

  it('serves the frameworks', async () => {
    const api = fastify();
    api.get('/', async () => 'fastify');
    await api.ready();
    const app = express().get('/', (_, response) => response.send('express'));
    for (const [server, body] of [
      [http.createServer(app), 'express'],
      [api.server, 'fastify'],
    ] as const) {
      const sockets = bound(0, '127.0.0.1');
      addSockets(server, sockets);
      expect(await get(http, url('http', '127.0.0.1', portOf(sockets[0])))).toBe(body);
      await closed(server);
    }
  });

  it('answers 300 clients that come at once', async () => {
    const server = http.createServer(answer);
    const sockets = bound(0, null, { backlog: 512 });
    addSockets(server, sockets);
    const ask = (_: unknown, index: number) =>
      get(http, url('http', LOOPBACKS[index % 2] as string, portOf(sockets[0])));
    const bodies = await Promise.all(Array.from({ length: 300 }, ask));

    expect(bodies.filter((body) => body === 'at 127.0.0.1')).toHaveLength(150);
    expect(bodies.filter((body) => body === 'at ::1')).toHaveLength(150);
    await closed(server);
  });

  it('looks like listen(): listening, address(), the event, the connections', async () => {
    const server = net.createServer();
    expect([server.listening, server.address()]).toEqual([false, null]);
    const sockets = bound(0);
    addSockets(server, sockets);

    expect(server.listening).toBe(true);
    expect(server.address()).toEqual(sockets[0]?.address());
    await once(server, 'listening');
    const accepted = once(server, 'connection');
    const client = await connect({ host: '::1', port: portOf(sockets[0]) });
    const [connection] = (await accepted) as [net.Socket & { server: net.Server }];
    expect(connection.server).toBe(server);
    expect(await connectionCount(server)).toBe(1);

    client.destroy();
    connection.destroy();
    await closed(server);
    expect(await connectionCount(server)).toBe(0);
  });

  it('close() stops listening at once, closes the sockets and waits for the connections', async () => {
    const server = net.createServer({ allowHalfOpen: true });
    const sockets = bound(0);
    const port = portOf(sockets[0]);
    addSockets(server, sockets);
    const accepted = once(server, 'connection');
    const client = await connect({ host: '127.0.0.1', port, allowHalfOpen: true });
    const [connection] = (await accepted) as [net.Socket];
    connection.resume();
    let isClosed = false;
    const done = closed(server).then(() => {
      isClosed = true;
    });

    expect([server.listening, ...sockets.map(({ fd }) => fd)]).toEqual([false, -1, -1]);
    expect(bound(port)).toHaveLength(2);
    connection.end('still served');
    expect(await readAll(client)).toBe('still served');
    expect([isClosed, await connectionCount(server)]).toEqual([false, 1]);
    client.end();
    await done;
    expect(await connectionCount(server)).toBe(0);
    await expect(closed(server)).rejects.toThrow('Server is not running');
  });

  it('can listen again after close()', async () => {
    const server = http.createServer(answer);
    for (const host of LOOPBACKS) {
      const sockets = bound(0, host);
      addSockets(server, sockets);
      expect(await get(http, url('http', host, portOf(sockets[0])))).toBe(`at ${host}`);
      await closed(server);
    }
  });

  it('takes more sockets, and none', async () => {
    const server = http.createServer(answer);
    addSockets(server, []);
    expect(server.listening).toBe(false);
    const [one, other] = [bound(0, '127.0.0.1'), bound(0, '::1')];
    addSockets(server, one);
    addSockets(server, other);

    expect(await get(http, url('http', '127.0.0.1', portOf(one[0])))).toBe('at 127.0.0.1');
    expect(await get(http, url('http', '::1', portOf(other[0])))).toBe('at ::1');
    await closed(server);
    expect(other[0]?.fd).toBe(-1);
  });

  it('serves all of the sockets or none', async () => {
    const [free, taken] = [only(bound(0, '127.0.0.1')), only(bound(0, '127.0.0.1'))];
    const [first, second] = [net.createServer(), net.createServer()];
    addSockets(first, [taken]);

    expect(thrownBy(() => addSockets(second, [free, taken])).code).toBe('EEXIST');
    expect([second.listening, first.listening]).toEqual([false, true]);
    addSockets(second, [free]);
    await Promise.all([closed(first), closed(second)]);
  });

  it('leaves a server alone that listens by itself', async () => {
    const server = net.createServer().listen(0, '127.0.0.1');
    await once(server, 'listening');
    expect(thrownBy(() => addSockets(server, bound(0))).code).toBe('ERR_PREFORK_BUSY');
    expect(thrownBy(() => server.listen(0)).code).toBe('ERR_SERVER_ALREADY_LISTEN');
    await closed(server);
  });

  /** A connection to a server with these options: the client's end and the server's. */
  async function pair(server: net.Server): Promise<[net.Socket, net.Socket]> {
    const sockets = bound(0, '127.0.0.1');
    addSockets(server, sockets);
    const accepted = once(server, 'connection');
    const client = await connect({ host: '127.0.0.1', port: portOf(sockets[0]) });
    const [connection] = (await accepted) as [net.Socket];
    return [client, connection];
  }

  it('respects allowHalfOpen', async () => {
    const server = net.createServer({ allowHalfOpen: true });
    const [client, connection] = await pair(server);
    client.end('question');
    expect(await readAll(connection.setEncoding('utf8'))).toBe('question');
    connection.end('answer');
    expect(await readAll(client)).toBe('answer');
    await closed(server);
  });

  it('respects pauseOnConnect', async () => {
    const server = net.createServer({ pauseOnConnect: true });
    const [client, connection] = await pair(server);
    client.end('patience');
    expect(connection.isPaused()).toBe(true);
    const received = readAll(connection.setEncoding('utf8'));
    connection.resume();
    expect(await received).toBe('patience');
    connection.end();
    await closed(server);
  });

  it.each([true, false])('respects noDelay and keepAlive: %s', async (on) => {
    const server = net.createServer({ noDelay: on, keepAlive: on });
    const [client, connection] = await pair(server);
    const { fd } = (connection as unknown as { _handle: { fd: number } })._handle;
    const [IPPROTO_TCP, TCP_NODELAY, SO_KEEPALIVE] = [6, 1, 9];

    expect(binding.socket_getsockopt(fd, IPPROTO_TCP, TCP_NODELAY)).toBe(Number(on));
    expect(binding.socket_getsockopt(fd, binding.socket_constants.SOL_SOCKET, SO_KEEPALIVE)).toBe(Number(on));
    client.destroy();
    connection.destroy();
    await closed(server);
  });

  it('drops what is beyond maxConnections', async () => {
    const server = net.createServer();
    server.maxConnections = 1;
    const [client, connection] = await pair(server);
    const dropped = once(server, 'drop');
    const extra = await connect({ host: '127.0.0.1', port: (server.address() as net.AddressInfo).port });
    const [drop] = await dropped;

    expect(drop).toMatchObject({ localAddress: '127.0.0.1', remotePort: extra.localPort });
    client.destroy();
    connection.destroy();
    await closed(server);
  });

  it.skipIf(!hasTornado)('tells the server when the socket is shut down by another process', async () => {
    const server = net.createServer();
    const socket = only(bound(0, '127.0.0.1'));
    addSockets(server, [socket]);
    const failed = once(server, 'error');
    const program = 'import socket; socket.socket(fileno=3).shutdown(socket.SHUT_RDWR)';
    spawnSync(PYTHON, ['-c', program], { stdio: ['ignore', 'inherit', 'inherit', socket.fd] });

    expect((await failed)[0]).toMatchObject({ code: 'EINVAL', syscall: 'accept' });
    await closed(server);
  });

  function run(fixture: string, argument: string) {
    const program = join(__dirname, 'fixtures', fixture);
    return spawn(process.execPath, [program, argument], { stdio: ['pipe', 'pipe', 'inherit'] });
  }

  it.each(['unref', 'close'])('lets the process end: %s', async (how) => {
    expect(await readAll(run('keeps-alive.js', how).stdout)).toBe('nothing left to do\n');
  });

  it('keeps the process alive otherwise', async () => {
    const program = run('keeps-alive.js', '');
    program.stdin.write('are you there?');
    expect(await readAll(program.stdout)).toBe('still alive\n');
  });

  it('may be left to a worker thread that ends', async () => {
    expect(await readAll(run('accept-in-worker.js', '').stdout)).toBe('alive\n');
  });
});

describe('isValidIp', () => {
  const samples = [
    '127.0.0.1', '4.4.4.4', '::1', '2620:0:1cfe:face:b00c::3', 'www.google.com', 'localhost',
    '4.4.4.4<', ' 127.0.0.1', '', ' ', '\n', '\x00', '4.4.4.4\x00', 'a'.repeat(100), 'a..b', '127.1', '1',
    '0x7f.1', '256.0.0.1', '127.0.0.1.', '::1%lo', 'fe80::1%lo', 'fe80::1%nowhere', '[::1]', 'münchen.de', '１２７.0.0.1',
  ]; // biome-ignore format: a list of samples

  it('knows an address when it sees one', () => {
    const valid = samples.filter((sample) => isValidIp(sample));
    expect(valid).toEqual(
      expect.arrayContaining(['127.0.0.1', '4.4.4.4', '::1', '2620:0:1cfe:face:b00c::3']),
    );
    expect(valid).not.toContain('');
    expect([isValidIp(null), isValidIp(undefined), isValidIp('4.4.4.4\0')]).toEqual([false, false, false]);
  });

  it.skipIf(!hasTornado)('is of the same opinion as Tornado', () => {
    const theirs = tornado(['is_valid_ip', JSON.stringify(samples)]) as boolean[];
    expect(samples.map((sample) => [sample, isValidIp(sample)])).toEqual(
      samples.map((sample, index) => [sample, theirs[index]]),
    );
  });
});

it.each([null, 1])('bindSockets refuses %j as options.', (options) => {
  expect(() => bindSockets(0, '127.0.0.1', options as never)).toThrow(
    expect.objectContaining({ name: 'TypeError', code: 'ERR_PREFORK_INVALID_ARG_TYPE' }),
  );
});
