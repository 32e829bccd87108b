/** What the tests of HTTPServer have in common: servers that are stopped after each test, and clients that show all they get. */
import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import http, { type IncomingMessage, type RequestListener } from 'node:http';
import https from 'node:https';
import { connect, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { afterAll, afterEach, vi } from 'vitest';
import { HTTPServer, type HTTPServerOptions } from '../../lib/httpserver';
import { setLogger } from '../../lib/log';
import { bindSockets } from '../../lib/netutil';
import { selfSigned } from '../helpers/certificate';

// Processes start slowly on a busy machine.
vi.setConfig({ testTimeout: 60_000 });

export const directory = mkdtempSync(join(tmpdir(), 'prefork-http-'));
export const { certfile, keyfile } = selfSigned(directory, 'test');
export const servers: HTTPServer[] = [];

afterEach(async () => {
  setLogger(null);
  for (const server of servers.splice(0)) {
    server.stop();
    await server.closeAllConnections();
  }
});

afterAll(() => rmSync(directory, { recursive: true, force: true }));

export const hello: RequestListener = (_request, response) => {
  // Node computes it for HTTP/1.1 only, and without it HTTP/1.0 cannot keep a connection.
  response.setHeader('Content-Length', 11);
  response.end('Hello world');
};

/** A server on a free port of 127.0.0.1. */
export function serve(listener: RequestListener, options: HTTPServerOptions = {}): number {
  const server = new HTTPServer(listener, options);
  servers.push(server);
  const sockets = bindSockets(0, '127.0.0.1');
  server.addSockets(sockets);
  const name = sockets[0]?.address();
  return typeof name === 'object' ? name.port : 0;
}

interface Answer {
  status: number | undefined;
  headers: http.IncomingHttpHeaders;
  body: string;
}

export function fetch(
  port: number,
  options: https.RequestOptions & { body?: string | Buffer } = {},
): Promise<Answer> {
  const { body, protocol: scheme = 'http:', ...rest } = options;
  const { request } = scheme === 'https:' ? https : http;
  return new Promise((resolve, reject) => {
    const sent = request(
      { host: '127.0.0.1', port, agent: false, ...rest },
      async (response: IncomingMessage) => {
        resolve({ status: response.statusCode, headers: response.headers, body: await text(response) });
      },
    );
    sent.on('error', reject);
    sent.end(body);
  });
}

/** Sends it all, and reads until the server closes. */
export async function raw(port: number | string, data: string): Promise<string> {
  const client = typeof port === 'number' ? connect(port, '127.0.0.1') : connect(port);
  client.write(data);
  return text(client);
}

/** One answer of which the length is known, from a connection that stays open. */
export async function readAnswer(client: Socket): Promise<string> {
  let received = '';
  while (!received.endsWith('Hello world')) {
    const [chunk] = (await once(client, 'data')) as [Buffer];
    received += chunk;
  }
  return received;
}

export function recordingLogger() {
  const logger = { info: vi.fn(), warn: vi.fn(), error: vi.fn() };
  setLogger(logger);
  return logger;
}
