/** Where a server can only listen by itself, as in Bun: it takes the place of what has held the port for it. */
import type { Server } from 'node:net';
import { hasAddon } from '../base/binding';
import { preforkError } from '../base/errors';
import type { ListeningSocket } from './listening-socket';

/** Whether that is so here. */
export function listensByItself(): boolean {
  if (hasAddon) return false;
  return !(require('../base/node-listener') as typeof import('../base/node-listener')).hasHandles;
}

export function listenByItself(server: Server, sockets: readonly ListeningSocket[]): void {
  const { listenerOf } = require('../base/without-addon') as typeof import('../base/without-addon');
  const [socket, ...others] = sockets;
  if (socket === undefined) return;
  if (others.length > 0 || server.listening) {
    throw preforkError(
      'ERR_PREFORK_UNSUPPORTED',
      'A server can serve no more than one socket in this runtime',
    );
  }
  const { backlog = 0 } = listenerOf(socket.fd) ?? {};
  const name = socket.address();
  socket.close();
  if (typeof name === 'string') server.listen({ path: name, backlog });
  else server.listen({ host: name.address, port: name.port, backlog });
}
