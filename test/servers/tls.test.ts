/** Ports of Tornado's httpserver_test, as far as it tests TLS. */
import { execFileSync } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import type http from 'node:http';
import type { RequestListener } from 'node:http';
import https from 'node:https';
import { connect, type Socket } from 'node:net';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import tls from 'node:tls';
import { describe, expect, test, vi } from 'vitest';
import { HTTPServer, type HTTPServerOptions } from '../../lib/httpserver';
import { selfSigned } from '../helpers/certificate';
import { certfile, directory, fetch, hello, keyfile, recordingLogger, serve, servers } from './http';

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
