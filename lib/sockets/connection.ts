import { Socket, type SocketConstructorOpts } from 'node:net';
import { hasAddon } from '../base/binding';

/** The connection that `accept_start` has told of, as node:net has it. */
export function connectionOn(
  fd: number,
  options: SocketConstructorOpts & { manualStart?: boolean } = {},
): Socket {
  if (hasAddon) return new Socket({ ...options, fd });
  const { takeConnection } = require('../base/without-addon') as typeof import('../base/without-addon');
  return new Socket({ ...options, handle: takeConnection(fd) } as SocketConstructorOpts);
}
