import { Socket, type SocketConstructorOpts } from 'node:net';
import { hasAddon } from '../base/binding';

/** A connection from `accept_start`, as a net.Socket. */
export function connectionOn(
  fd: number,
  options: SocketConstructorOpts & { manualStart?: boolean } = {},
): Socket {
  if (hasAddon) return new Socket({ ...options, fd });
  const { takeConnection } = require('../base/without-addon') as typeof import('../base/without-addon');
  return new Socket({ ...options, handle: takeConnection(fd) } as SocketConstructorOpts);
}
