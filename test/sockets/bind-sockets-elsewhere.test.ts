// Where a system lacks an address, a family or an option, bindSockets must do without it or say so, as Tornado does.
import { constants } from 'node:os';
import { afterEach, describe, expect, it, vi } from 'vitest';
import { binding } from '../../lib/base/binding';
import { AF_INET, AF_INET6, bindSockets } from '../../lib/netutil';
import { bound, only, portOf, thrownBy } from './sockets';

afterEach(() => {
  vi.restoreAllMocks();
});

describe('bindSockets', () => {
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
