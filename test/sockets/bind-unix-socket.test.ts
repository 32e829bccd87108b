// A socket file must be made as Tornado makes it, in place of an old socket and of nothing else, and serve like a port.
import { existsSync, mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import * as http from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { AF_UNIX, addSockets, bindUnixSocket } from '../../lib/netutil';
import { boundUnix, closed, connect, readAll, thrownBy } from './sockets';

const directory = mkdtempSync(join(tmpdir(), 'prefork-'));
afterAll(() => rmSync(directory, { recursive: true }));

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

  it('takes the mode and the backlog by their places, as in Python, and null as not given', () => {
    const path = join(directory, 'positional.sock');
    for (const [options, backlog, mode] of [
      [0o660, 5, 0o660],
      [0o640, null, 0o640],
      [null, null, 0o600],
    ] as const) {
      bindUnixSocket(path, options, backlog).close();
      expect(statSync(path).mode & 0o7777).toBe(mode);
    }
    expect(thrownBy(() => bindUnixSocket(path, '0o660' as never)).name).toBe('TypeError');
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
