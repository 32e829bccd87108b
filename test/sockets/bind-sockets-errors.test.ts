// A socket that cannot be had is an error that says what and why, as Node's do, and leaves no socket open.
import * as net from 'node:net';
import { constants } from 'node:os';
import { describe, expect, it } from 'vitest';
import {
  AF_INET,
  AF_UNIX,
  AI_NUMERICHOST,
  addAcceptHandler,
  addSockets,
  bindSockets,
  bindUnixSocket,
  isValidIp,
  type ListeningSocket,
} from '../../lib/netutil';
import { bound, only, portOf, thrownBy } from './sockets';

describe('bindSockets', () => {
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
});

it.each([null, 1])('bindSockets refuses %j as options.', (options) => {
  expect(() => bindSockets(0, '127.0.0.1', options as never)).toThrow(
    expect.objectContaining({ name: 'TypeError', code: 'ERR_PREFORK_INVALID_ARG_TYPE' }),
  );
});
