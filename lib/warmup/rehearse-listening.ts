/**
 * In the parent, before a fork: what every worker begins with, a server on sockets that were bound before, is done with a
 * server that nobody can reach. V8 compiles a function when it is first called, and learns from the first calls what
 * objects it will see, which would be left to every child.
 */
import { createServer, type Server } from 'node:net';
import { binding } from '../base/binding';
import { addSockets } from '../netutil';
import { ListeningSocket } from '../sockets/listening-socket';

/** What V8 has learned from the first time shows in the second. After more it would begin to optimise, in the child. */
const TIMES = 2;

/** Loading http for a program without it would be a waste. (Undocumented, but there since Node 0.2.) */
function usesHttp(): boolean {
  const { moduleLoadList = [] } = process as { moduleLoadList?: string[] };
  return moduleLoadList.includes('NativeModule http');
}

function nothing(): void {}

function makeServer(): Server {
  const http = usesHttp() ? (require('node:http') as typeof import('node:http')) : undefined;
  return http === undefined ? createServer(nothing) : http.createServer(nothing);
}

/** Of TCP, as most are, but bound to nothing. Undefined where sockets are forbidden. */
function unboundSocket(): ListeningSocket | undefined {
  const fd = binding.socket_open(binding.socket_constants.AF_INET, 0);
  if (fd < 0) return undefined;
  try {
    return new ListeningSocket(fd);
  } catch {
    binding.socket_close(fd);
    return undefined;
  }
}

/** As if it had begun to listen: its own listeners would be called in the next turn of the loop, in every child. */
function listen(server: Server): void {
  server.once('listening', nothing);
  server.emit('listening');
}

function serve(socket: ListeningSocket): void {
  const server = makeServer();
  try {
    addSockets(server, [socket]);
    listen(server);
  } finally {
    server.close();
    server.removeAllListeners();
    socket.close();
  }
}

/** Nothing of it is left when it returns. Does nothing where sockets are forbidden. */
export function rehearseServing(): void {
  try {
    for (let i = 0; i < TIMES; i++) {
      const socket = unboundSocket();
      if (socket !== undefined) serve(socket);
    }
  } catch {
    // Somebody who listens to all servers has thrown. The rehearsal would have been of use, and is not needed.
  }
}
