/** Ports of Tornado's httpserver_test, as far as it tests what proxies say. */
import http, { type IncomingMessage, type RequestListener } from 'node:http';
import type https from 'node:https';
import { connect, type Socket } from 'node:net';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { HTTPServer, protocol, remoteIp } from '../../lib/httpserver';
import { bindUnixSocket } from '../../lib/netutil';
import { certfile, directory, fetch, hello, keyfile, raw, serve, servers } from './http';

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
