/** Ports of Tornado's httpserver_test, as far as it tests the server and not its parser or its web framework. */
import { once } from 'node:events';
import http, { type RequestListener } from 'node:http';
import { connect } from 'node:net';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { describe, expect, test, vi } from 'vitest';
import { HTTPServer, type HTTPServerOptions } from '../../lib/httpserver';
import { setLogger } from '../../lib/log';
import { bindSockets, bindUnixSocket } from '../../lib/netutil';
import { directory, fetch, hello, raw, readAnswer, recordingLogger, serve, servers } from './http';

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
