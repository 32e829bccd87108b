// Clients must be served on every address by any kind of server, however many come at once.
import { execFileSync } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import * as http from 'node:http';
import * as http2 from 'node:http2';
import * as https from 'node:https';
import { createRequire } from 'node:module';
import * as net from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import * as tls from 'node:tls';
import fastify from 'fastify';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { addSockets } from '../../lib/netutil';
import { bound, closed, connect, LOOPBACKS, portOf, readAll } from './sockets';

interface Express {
  (request: http.IncomingMessage, response: http.ServerResponse): void;
  get(path: string, handler: (request: unknown, response: { send(body: string): void }) => void): Express;
}
const express = createRequire(__filename)('express') as () => Express;

const directory = mkdtempSync(join(tmpdir(), 'prefork-'));
afterAll(() => rmSync(directory, { recursive: true }));

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
});
