/**
 * In the parent, before a fork: V8 compiles a function when it is first called. What every worker begins with, a server
 * on sockets that were bound before, is done once with a server that nobody can reach, so that no child has to compile it.
 */
import { createServer, type Server } from 'node:net';
import { binding } from './binding';

/** A name without a file (unix(7)), which nobody else knows. */
function hiddenPath(): string {
  return `\0prefork-rehearsal-${binding.process_getpid()}-${process.hrtime.bigint()}`;
}

/** Loading http for a program without it would be a waste. (Undocumented, but there since Node 0.2.) */
function usesHttp(): boolean {
  const { moduleLoadList = [] } = process as { moduleLoadList?: string[] };
  return moduleLoadList.includes('NativeModule http');
}

function makeServer(): Server {
  return usesHttp() ? (require('node:http') as typeof import('node:http')).createServer() : createServer();
}

/** As if it had begun to listen: its own listeners would be called in the next turn of the loop, in every child. */
function listenAndClose(server: Server): void {
  server.emit('listening');
  server.close();
  server.removeAllListeners();
}

/** Nothing of it is left when it returns. Does nothing where such a socket is forbidden. */
export function rehearseServing(): void {
  // Not sooner: netutil asks process.ts for the task id, and that warms up.
  const { addSockets, bindUnixSocket } = require('./netutil') as typeof import('./netutil');
  let socket: import('./netutil').ListeningSocket;
  try {
    socket = bindUnixSocket(hiddenPath());
  } catch {
    return; // it would have been of use, and is not needed
  }
  const server = makeServer();
  addSockets(server, [socket]);
  listenAndClose(server);
  socket.close();
}
