// A ListeningSocket must close once only, still know its address then, and stand for nothing but a socket.
import { describe, expect, it } from 'vitest';
import { ListeningSocket } from '../../lib/netutil';
import { bound, portOf, thrownBy } from './sockets';

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
