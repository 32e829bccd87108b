/** Ports of Tornado's httpserver_test, as far as it tests the server and not its parser or its web framework. */
import { execFileSync } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import http, { type IncomingMessage, type RequestListener } from 'node:http';
import https from 'node:https';
import { connect, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import tls from 'node:tls';
import { afterAll, afterEach, describe, expect, test, vi } from 'vitest';
import { HTTPServer, type HTTPServerOptions, protocol, remoteIp } from '../../lib/httpserver';
import { setLogger } from '../../lib/log';
import { bindSockets, bindUnixSocket } from '../../lib/netutil';
import { selfSigned } from '../helpers/certificate';

// Processes start slowly on a busy machine.
vi.setConfig({ testTimeout: 60_000 });

const directory = mkdtempSync(join(tmpdir(), 'prefork-http-'));
const { certfile, keyfile } = selfSigned(directory, 'test');
const servers: HTTPServer[] = [];

afterEach(async () => {
  setLogger(null);
  for (const server of servers.splice(0)) {
    server.stop();
    await server.closeAllConnections();
  }
});

afterAll(() => rmSync(directory, { recursive: true, force: true }));

const hello: RequestListener = (_request, response) => {
  // Node computes it for HTTP/1.1 only, and without it HTTP/1.0 cannot keep a connection.
  response.setHeader('Content-Length', 11);
  response.end('Hello world');
};

/** A server on a free port of 127.0.0.1. */
function serve(listener: RequestListener, options: HTTPServerOptions = {}): number {
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

function fetch(
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
async function raw(port: number | string, data: string): Promise<string> {
  const client = typeof port === 'number' ? connect(port, '127.0.0.1') : connect(port);
  client.write(data);
  return text(client);
}

/** One answer of which the length is known, from a connection that stays open. */
async function readAnswer(client: Socket): Promise<string> {
  let received = '';
  while (!received.endsWith('Hello world')) {
    const [chunk] = (await once(client, 'data')) as [Buffer];
    received += chunk;
  }
  return received;
}

function recordingLogger() {
  const logger = { info: vi.fn(), warn: vi.fn(), error: vi.fn() };
  setLogger(logger);
  return logger;
}

/** Before Node 22, Node's own client pads abstract names with NULs. The oracle connects to one from outside. */
const knowsAbstractNames = Number(process.versions.node.split('.')[0]) >= 22;

describe.each([
  ['UnixSocketTestFile', join(directory, 'test.sock')],
  ['UnixSocketTestAbstract', `\0prefork-test-${process.pid}`],
])('%s', (_name, path) => {
  const testHere = path.startsWith('\0') && !knowsAbstractNames ? test.skip : test;

  function serveUnix(): void {
    const server = new HTTPServer(hello);
    servers.push(server);
    server.addSocket(bindUnixSocket(path));
  }

  testHere('test_unix_socket', async () => {
    serveUnix();
    const answer = await raw(path, 'GET /hello HTTP/1.0\r\n\r\n');
    expect(answer).toMatch(/^HTTP\/1\.1 200 OK\r\n/);
    expect(answer).toMatch(/Hello world$/);
  });

  testHere('test_unix_socket_bad_request', async () => {
    serveUnix();
    expect(await raw(path, 'garbage\r\n\r\n')).toMatch(/^HTTP\/1\.1 400 Bad Request\r\n/);
  });
});

describe('SSLTest', () => {
  const ca = () => readFileSync(certfile);
  const secure = () => ({
    protocol: 'https:',
    host: 'localhost',
    servername: 'localhost',
    ca: ca(),
    family: 4,
  });

  test('test_ssl, with files', async () => {
    const port = serve(hello, { sslOptions: { certfile, keyfile } });
    expect((await fetch(port, secure())).body).toBe('Hello world');
  });

  test('test_ssl, with one file for both', async () => {
    const both = join(directory, 'both.pem');
    execFileSync('sh', ['-c', 'cat "$1" "$2" > "$3"', 'sh', certfile, keyfile, both]);
    const port = serve(hello, { sslOptions: { certfile: both } });
    expect((await fetch(port, secure())).body).toBe('Hello world');
  });

  test('SSLContextTest: with what Node takes', async () => {
    const port = serve(hello, { sslOptions: { cert: ca(), key: readFileSync(keyfile) } });
    expect((await fetch(port, secure())).body).toBe('Hello world');
  });

  test('test_large_post', async () => {
    const count: RequestListener = async (request, response) => {
      response.end(`Got ${(await text(request)).length} bytes in POST`);
    };
    const port = serve(count, { sslOptions: { certfile, keyfile } });
    const { body } = await fetch(port, { ...secure(), method: 'POST', body: 'A'.repeat(5000) });
    expect(body).toBe('Got 5000 bytes in POST');
  });

  test('test_non_ssl_request, test_error_logging: closed, and logged without a stack', async () => {
    const logger = recordingLogger();
    const port = serve(hello, { sslOptions: { certfile, keyfile } });
    await expect(fetch(port)).rejects.toThrow();
    expect(logger.warn).toHaveBeenCalledWith(
      expect.stringMatching(/^SSL Error on \('127\.0\.0\.1', \d+\): .*[^\n]$/),
    );
  });

  test('a client certificate may be required', async () => {
    const port = serve(hello, { sslOptions: { certfile, keyfile, caCerts: certfile, certReqs: 'required' } });
    await expect(fetch(port, secure())).rejects.toThrow();
    const mine = { cert: ca(), key: readFileSync(keyfile) };
    expect((await fetch(port, { ...secure(), ...mine })).body).toBe('Hello world');
  });

  test('an optional client certificate is none, or a good one', async () => {
    const logger = recordingLogger();
    const listener = vi.fn(hello);
    const port = serve(listener, {
      sslOptions: { certfile, keyfile, caCerts: certfile, certReqs: 'optional' },
    });
    const mine = { cert: ca(), key: readFileSync(keyfile) };
    for (const shown of [{}, mine]) {
      expect((await fetch(port, { ...secure(), ...shown })).body).toBe('Hello world');
    }
    const stranger = selfSigned(directory, 'stranger');
    const theirs = { cert: readFileSync(stranger.certfile), key: readFileSync(stranger.keyfile) };
    await expect(fetch(port, { ...secure(), ...theirs })).rejects.toThrow();
    expect(listener).toHaveBeenCalledTimes(2);
    expect(logger.warn).toHaveBeenCalledWith(
      expect.stringMatching(/^SSL Error on \('127\.0\.0\.1', \d+\): DEPTH_ZERO_SELF_SIGNED_CERT$/),
    );
  });

  test('options of Node beside the files do not replace them', async () => {
    const SNICallback = vi.fn((_name: string, done: (error: null) => void) => done(null));
    const port = serve(hello, { sslOptions: { certfile, keyfile, SNICallback } });
    expect((await fetch(port, secure())).body).toBe('Hello world');
    expect(SNICallback).toHaveBeenCalledOnce();
  });

  test('closeAllConnections, of those that have not agreed on TLS yet, too', async () => {
    const port = serve(hello, { sslOptions: { certfile, keyfile } });
    const client = connect(port, '127.0.0.1');
    await once(servers[0]?.nodeServer as http.Server, 'connection');
    await servers[0]?.closeAllConnections();
    await text(client);
  });

  test('closeAllConnections leaves upgraded TLS connections, as those without TLS', async () => {
    const port = serve(hello, { sslOptions: { certfile, keyfile } });
    servers[0]?.nodeServer.on('upgrade', (_request, socket: Socket) => {
      socket.write('HTTP/1.1 101 Switching Protocols\r\n\r\n');
      socket.pipe(socket);
    });
    const client = tls.connect({ host: '127.0.0.1', port, servername: 'localhost', ca: ca() });
    client.write('GET / HTTP/1.1\r\nHost: x\r\nConnection: upgrade\r\nUpgrade: echo\r\n\r\n');
    await once(client, 'data');
    await servers[0]?.closeAllConnections();
    client.end('still there');
    expect(await text(client)).toBe('still there');
  });

  test('closeAllConnections, of TLS connections too', async () => {
    const port = serve(hello, { sslOptions: { certfile, keyfile } });
    const agent = new https.Agent({ keepAlive: true });
    await fetch(port, { ...secure(), agent });
    const [idle] = Object.values(agent.freeSockets).flat();
    const closed = once(idle as Socket, 'close');
    await servers[0]?.closeAllConnections();
    await closed;
  });
});

describe('BadSSLOptionsTest', () => {
  test.each([
    ['test_missing_arguments', { keyfile: '/__missing__.key' }, 'missing key "certfile" in ssl_options'],
    ['test_missing_key', { certfile: '/__missing__.crt' }, 'certfile "/__missing__.crt" does not exist'],
    [
      'test_missing_key',
      { certfile, keyfile: '/__missing__.key' },
      'keyfile "/__missing__.key" does not exist',
    ],
    ['a word of Python’s', { certfile, keyfile, certReqs: 'CERT_REQUIRED' }, "received 'CERT_REQUIRED'"],
    ['a number of Python’s', { certfile, keyfile, certReqs: 2 }, 'received 2'],
    ['a name of Python’s', { certfile, keyfile, cert_reqs: 'required' }, 'its name is certReqs'],
    ['a name of Python’s', { certfile, keyfile, ca_certs: certfile }, 'its name is caCerts'],
    ['what servers do not take', { certfile, keyfile, secureContext: {} }, 'secureContext is not taken'],
  ])('%s: %o', (_name, sslOptions, message) => {
    expect(() => new HTTPServer(hello, { sslOptions } as HTTPServerOptions)).toThrow(message);
  });
});

/** What a listener, and what a framework that looks at the socket, make of the request. */
const whoami: RequestListener = (request, response) => {
  const seen = {
    remoteIp: remoteIp(request),
    protocol: protocol(request),
    socketIp: request.socket.remoteAddress,
    socketEncrypted: 'encrypted' in request.socket && request.socket.encrypted === true,
  };
  response.end(JSON.stringify(seen));
};

async function who(port: number, options: https.RequestOptions = {}) {
  return JSON.parse((await fetch(port, options)).body);
}

describe('XHeaderTest', () => {
  const options = { xheaders: true, trustedDownstream: ['5.5.5.5'] };

  test.each([
    [{}, '127.0.0.1'],
    [{ 'X-Real-IP': '4.4.4.4' }, '4.4.4.4'],
    [{ 'X-Forwarded-For': '127.0.0.1, 4.4.4.4' }, '4.4.4.4'],
    [{ 'X-Real-IP': '2620:0:1cfe:face:b00c::3' }, '2620:0:1cfe:face:b00c::3'],
    [{ 'X-Forwarded-For': '::1, 2620:0:1cfe:face:b00c::3' }, '2620:0:1cfe:face:b00c::3'],
    [{ 'X-Real-IP': '4.4.4.4<script>' }, '127.0.0.1'],
    [{ 'X-Forwarded-For': '4.4.4.4, 5.5.5.5<script>' }, '127.0.0.1'],
    [{ 'X-Real-IP': 'www.google.com' }, '127.0.0.1'],
    [{ 'X-Forwarded-For': '4.4.4.4', 'X-Real-IP': '3.3.3.3' }, '3.3.3.3'],
  ])('test_ip_headers: %o', async (headers, ip) => {
    expect(await who(serve(whoami, options), { headers })).toMatchObject({ remoteIp: ip, socketIp: ip });
  });

  test.each([
    ['127.0.0.1, 4.4.4.4, 5.5.5.5', '4.4.4.4'],
    ['5.5.5.5, 5.5.5.5', '5.5.5.5'],
  ])('test_trusted_downstream: %s', async (list, ip) => {
    expect(await who(serve(whoami, options), { headers: { 'X-Forwarded-For': list } })).toMatchObject({
      remoteIp: ip,
    });
  });

  test.each([
    [{}, 'http'],
    [{ 'X-Scheme': 'https' }, 'https'],
    [{ 'X-Forwarded-Proto': 'https' }, 'https'],
    [{ 'X-Forwarded-Proto': 'https , http' }, 'http'],
    [{ 'X-Forwarded-Proto': 'http,https' }, 'https'],
    [{ 'X-Forwarded-Proto': 'unknown' }, 'http'],
  ])('test_scheme_headers: %o', async (headers, scheme) => {
    expect(await who(serve(whoami, options), { headers })).toMatchObject({
      protocol: scheme,
      socketEncrypted: scheme === 'https',
    });
  });

  test.each([
    [{}, 'https'],
    [{ 'X-Scheme': 'http' }, 'http'],
    [{ 'X-Scheme': 'unknown' }, 'https'],
  ])('SSLXHeaderTest, test_request_without_xprotocol: %o', async (headers, scheme) => {
    const port = serve(whoami, { xheaders: true, sslOptions: { certfile, keyfile } });
    const seen = await who(port, { protocol: 'https:', headers, rejectUnauthorized: false });
    expect(seen).toMatchObject({ protocol: scheme });
  });

  test('the next request on the connection has nothing of it', async () => {
    const port = serve(whoami, options);
    const agent = new http.Agent({ keepAlive: true, maxSockets: 1 });
    await who(port, { agent, headers: { 'X-Real-IP': '4.4.4.4', 'X-Scheme': 'https' } });
    expect(await who(port, { agent })).toEqual({
      remoteIp: '127.0.0.1',
      protocol: 'http',
      socketIp: '127.0.0.1',
      socketEncrypted: false,
    });
    agent.destroy();
  });

  test.each([
    ['upgrade', 'GET / HTTP/1.1\r\nConnection: upgrade\r\nUpgrade: x'],
    ['connect', 'CONNECT x:80 HTTP/1.1'],
    ['checkContinue', 'GET / HTTP/1.1\r\nConnection: close\r\nExpect: 100-continue'],
  ])('a request that comes by %s is believed as any other', async (event, start) => {
    const port = serve(hello, { xheaders: true });
    servers[0]?.nodeServer.on(event, (request: IncomingMessage, answer: Socket | http.ServerResponse) => {
      answer.end(`${remoteIp(request)} ${protocol(request)}`);
    });
    const headers = 'Host: x\r\nX-Real-Ip: 4.4.4.4\r\nX-Scheme: https';
    expect(await raw(port, `${start}\r\n${headers}\r\n\r\n`)).toMatch(/4\.4\.4\.4 https/);
  });

  test('the client’s address is known when it has gone', async () => {
    const gone = new Promise((resolve) => {
      const port = serve((request, response) => {
        response.on('close', () => resolve(remoteIp(request)));
        client.destroy();
      });
      const client = connect(port, '127.0.0.1');
      client.write('GET / HTTP/1.1\r\nHost: x\r\n\r\n');
    });
    expect(await gone).toBe('127.0.0.1');
  });

  test('without xheaders nobody is believed', async () => {
    const headers = { 'X-Real-IP': '4.4.4.4', 'X-Scheme': 'https' };
    expect(await who(serve(whoami), { headers })).toMatchObject({ remoteIp: '127.0.0.1', protocol: 'http' });
  });

  test('ManualProtocolTest, test_manual_protocol', async () => {
    expect(await who(serve(whoami, { protocol: 'https' }))).toMatchObject({ protocol: 'https' });
  });

  test('on a Unix socket, 0.0.0.0', async () => {
    const server = new HTTPServer(whoami);
    servers.push(server);
    const socketPath = join(directory, 'who.sock');
    server.addSocket(bindUnixSocket(socketPath));
    expect(await who(0, { socketPath })).toMatchObject({ remoteIp: '0.0.0.0', protocol: 'http' });
  });
});

describe('KeepAliveTest', () => {
  test('test_two_requests', async () => {
    const client = connect(serve(hello), '127.0.0.1');
    for (let i = 0; i < 2; i++) {
      client.write('GET / HTTP/1.1\r\nHost: x\r\n\r\n');
      expect(await readAnswer(client)).toMatch(/^HTTP\/1\.1 200/);
    }
    client.destroy();
  });

  test('test_request_close', async () => {
    const answer = await raw(serve(hello), 'GET / HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n');
    expect(answer).toMatch(/\r\nConnection: close\r\n[\s\S]*Hello world$/);
  });

  test('test_http10', async () => {
    expect(await raw(serve(hello), 'GET / HTTP/1.0\r\n\r\n')).toMatch(/Hello world$/);
  });

  test('test_http10_keepalive', async () => {
    const client = connect(serve(hello), '127.0.0.1');
    for (let i = 0; i < 2; i++) {
      client.write('GET / HTTP/1.0\r\nConnection: keep-alive\r\n\r\n');
      expect(await readAnswer(client)).toMatch(/\r\nConnection: keep-alive\r\n/i);
    }
    client.destroy();
  });

  test('test_pipelined_requests', async () => {
    const request = 'GET / HTTP/1.1\r\nHost: x\r\n';
    const answers = await raw(serve(hello), `${request}\r\n${request}Connection: close\r\n\r\n`);
    expect(answers.match(/Hello world/g)).toHaveLength(2);
  });

  test('no_keep_alive: closed after the first answer', async () => {
    const answer = await raw(serve(hello, { noKeepAlive: true }), 'GET / HTTP/1.1\r\nHost: x\r\n\r\n');
    expect(answer).toMatch(/\r\nConnection: close\r\n[\s\S]*Hello world$/);
  });
});

test('no_keep_alive holds whatever the listener says about it', async () => {
  const insistent: RequestListener = (_request, response) => {
    response.writeHead(200, { Connection: 'keep-alive', 'Content-Length': 11 });
    response.end('Hello world');
  };
  const port = serve(insistent, { noKeepAlive: true });
  expect(await raw(port, 'GET / HTTP/1.1\r\nHost: x\r\n\r\n')).toMatch(/Hello world$/);
});

describe('MaxHeaderSizeTest', () => {
  const filler = (size: number) => ({ headers: { 'X-Filler': 'a'.repeat(size) } });

  test('test_small_headers', async () => {
    expect((await fetch(serve(hello, { maxHeaderSize: 1024 }), filler(100))).body).toBe('Hello world');
  });

  test('test_large_headers', async () => {
    expect((await fetch(serve(hello, { maxHeaderSize: 1024 }), filler(1000))).status).toBe(431);
  });

  test('the default is Tornado’s', async () => {
    const port = serve(hello);
    expect((await fetch(port, filler(60000))).status).toBe(200);
    expect((await fetch(port, filler(66000))).status).toBe(431);
  });
});

describe('IdleTimeoutTest', () => {
  test('test_unused_connection', async () => {
    const client = connect(serve(hello, { idleConnectionTimeout: 0.1 }), '127.0.0.1');
    await text(client);
  });

  test('test_idle_after_use', async () => {
    // The second request is to come in time.
    const client = connect(serve(hello, { idleConnectionTimeout: 1 }), '127.0.0.1');
    for (let i = 0; i < 2; i++) {
      client.write('GET / HTTP/1.1\r\nHost: x\r\n\r\n');
      await readAnswer(client);
    }
    await once(client.resume(), 'end');
    client.destroy();
  });
});

describe('BodyLimitsTest', () => {
  const count: RequestListener = async (request, response) => {
    // Where the request is refused in the middle, its body is an error.
    const body = await text(request).catch(() => '');
    response.end(String(body.length));
  };
  const options = { bodyTimeout: 3600, maxBodySize: 4096 };
  const small = Buffer.alloc(4096, 'a');
  const large = Buffer.alloc(10240, 'a');
  const chunked = { 'Transfer-Encoding': 'chunked' };

  test('test_small_body', async () => {
    const port = serve(count, options);
    expect((await fetch(port, { method: 'PUT', body: small })).body).toBe('4096');
    expect((await fetch(port, { method: 'PUT', body: small, headers: chunked })).body).toBe('4096');
  });

  test('test_large_body_buffered', async () => {
    const logger = recordingLogger();
    const listener = vi.fn(count);
    expect((await fetch(serve(listener, options), { method: 'PUT', body: large })).status).toBe(400);
    expect(logger.info).toHaveBeenCalledWith(
      'Malformed HTTP message from 127.0.0.1: Content-Length too long',
    );
    expect(listener).not.toHaveBeenCalled();
  });

  test('test_large_body_buffered_chunked', async () => {
    const logger = recordingLogger();
    const failing: RequestListener = (request, response) => count(request, response);
    const port = serve(failing, options);
    const answer = await fetch(port, { method: 'PUT', body: large, headers: chunked });
    expect(answer.status).toBe(400);
    expect(logger.info).toHaveBeenCalledWith('Malformed HTTP message from 127.0.0.1: chunked body too large');
  });

  test.each([
    ['Content-Length', 'Content-Length: 4097\r\n\r\n'],
    ['chunked', `Transfer-Encoding: chunked\r\n\r\n1001\r\n${'a'.repeat(4097)}\r\n0\r\n\r\n`],
  ])('a request that is refused (%s) waits for the answer before it', async (_name, rest) => {
    let first: http.ServerResponse | undefined;
    const refused = () => setImmediate(() => first?.end('first'));
    setLogger({ info: refused, warn: () => {}, error: () => {} });
    const port = serve((request, response) => {
      if (request.url === '/first') first = response;
      else count(request, response);
    }, options);
    const answers = await raw(
      port,
      `GET /first HTTP/1.1\r\nHost: x\r\n\r\nPUT / HTTP/1.1\r\nHost: x\r\n${rest}`,
    );
    expect(answers).toMatch(/^HTTP\/1\.1 200 OK\r\n[\s\S]*first[\s\S]*HTTP\/1\.1 400 Bad Request\r\n\r\n$/);
  });

  test('test_timeout', async () => {
    const port = serve(count, { bodyTimeout: 0.1 });
    expect(await raw(port, 'PUT / HTTP/1.1\r\nHost: x\r\nContent-Length: 42\r\n\r\n')).toBe('');
  });

  test('a limit of its own for each request', async () => {
    const port = serve(count, options);
    const agent = new http.Agent({ keepAlive: true, maxSockets: 1 });
    for (let i = 0; i < 3; i++) {
      expect((await fetch(port, { agent, method: 'PUT', body: small, headers: chunked })).body).toBe('4096');
    }
    agent.destroy();
  });
});

describe('options', () => {
  test('are Node’s, with Tornado’s defaults', () => {
    expect(new HTTPServer(hello).nodeServer).toMatchObject({
      keepAliveTimeout: 3_600_000,
      headersTimeout: 3_600_000,
      requestTimeout: 0,
    });
  });

  test('of Node win', () => {
    const { nodeServer } = new HTTPServer(hello, { keepAliveTimeout: 5, idleConnectionTimeout: 7 });
    expect(nodeServer.keepAliveTimeout).toBe(5);
  });

  test('a body timeout is for the body alone', () => {
    expect(new HTTPServer(hello, { bodyTimeout: 10 }).nodeServer).toMatchObject({
      requestTimeout: 0,
      headersTimeout: 3_600_000,
      keepAliveTimeout: 3_600_000,
    });
  });

  test('a request timeout of Node’s limits the headers too', () => {
    const { nodeServer } = new HTTPServer(hello, { requestTimeout: 30_000 });
    expect(nodeServer).toMatchObject({ requestTimeout: 30_000, headersTimeout: 30_000 });
  });

  test('that are null are as if not given, as Python’s None; for some, zero is as well', async () => {
    const none: HTTPServerOptions = {
      sslOptions: null,
      protocol: null,
      trustedDownstream: null,
      idleConnectionTimeout: null,
      bodyTimeout: null,
      maxHeaderSize: null,
      maxBodySize: null,
      maxBufferSize: null,
    };
    for (const options of [none, { idleConnectionTimeout: 0, maxHeaderSize: 0 }]) {
      const { nodeServer } = new HTTPServer(hello, options);
      expect(nodeServer).toMatchObject({ keepAliveTimeout: 3_600_000, headersTimeout: 3_600_000 });
      const headers = { 'X-Filler': 'a'.repeat(60_000) };
      const answer = await fetch(serve(hello, options), { method: 'PUT', body: 'small', headers });
      expect(answer.status).toBe(200);
    }
  });

  const keepsLonger = 'keepAliveTimeoutBuffer' in http.createServer();
  test.runIf(keepsLonger)('idle connections are closed to the second, unless Node’s name was used', () => {
    const { nodeServer } = new HTTPServer(hello, { idleConnectionTimeout: 7 });
    expect(nodeServer).toMatchObject({ keepAliveTimeout: 7000, keepAliveTimeoutBuffer: 0 });
    expect(new HTTPServer(hello, { keepAliveTimeout: 7000 }).nodeServer).toMatchObject({
      keepAliveTimeoutBuffer: 1000,
    });
  });

  test.each([
    [{ maxBodySize: '10' }, TypeError],
    [{ maxBodySize: -1 }, RangeError],
    [{ idleConnectionTimeout: '10' }, TypeError],
    [{ trustedDownstream: '10.0.0.1' }, TypeError],
    [{ trustedDownstream: ['10.0.0.1', 'proxy'] }, TypeError],
    [null, TypeError],
  ])('of the wrong kind are refused: %o', (options, Type) => {
    expect(() => new HTTPServer(hello, options as HTTPServerOptions)).toThrow(Type);
  });

  test.each([undefined, null, {}, 'app'])('%o is no request listener', (listener) => {
    const construct = () => new HTTPServer(listener as unknown as RequestListener);
    expect(construct).toThrow(expect.objectContaining({ code: 'ERR_PREFORK_INVALID_ARG_TYPE' }));
  });

  test.each([-1, Number.NaN])('a timeout of %d is a RangeError', (bodyTimeout) => {
    expect(() => new HTTPServer(hello, { bodyTimeout })).toThrow(RangeError);
  });

  test('decompressRequest is refused, not ignored', () => {
    const options = { decompressRequest: true } as HTTPServerOptions;
    expect(() => new HTTPServer(hello, options)).toThrow(/decompressRequest/);
  });
});

test('several sockets, IPv4 and IPv6 at once', async () => {
  const server = new HTTPServer(hello);
  servers.push(server);
  const sockets = bindSockets(0);
  server.addSockets(sockets);
  const name = sockets[0]?.address();
  const port = typeof name === 'object' ? name.port : 0;
  for (const host of ['127.0.0.1', '::1']) expect((await fetch(port, { host })).body).toBe('Hello world');
});

test('closeAllConnections closes those with a request in hand, and stop leaves them', async () => {
  const port = serve(() => {});
  const client = connect(port, '127.0.0.1');
  client.write('GET / HTTP/1.1\r\nHost: x\r\n\r\n');
  await once(servers[0]?.nodeServer as http.Server, 'request');
  servers[0]?.stop();
  expect(client.readyState).toBe('open');
  await servers[0]?.closeAllConnections();
  await text(client);
});

test('a request to upgrade is a request like any other, unless somebody listens for it', async () => {
  const headers = 'GET / HTTP/1.1\r\nHost: x\r\nConnection: upgrade, close\r\nUpgrade: h2c\r\n\r\n';
  expect(await raw(serve(hello), headers)).toMatch(/^HTTP\/1\.1 200/);
});
