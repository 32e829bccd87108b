/**
 * Before a fork the parent serves on an unreachable socket, as every worker will begin: with a server on sockets bound
 * before. V8 compiles a function at its first call, and learns from the first calls which objects it will see; otherwise
 * every child would have to.
 */
import { createServer, type Server } from 'node:net';
import { binding } from '../base/binding';
import { hasNodeLoaded } from '../base/loaded-builtins';
import { addSockets } from '../netutil';
import { ListeningSocket } from '../sockets/listening-socket';

/** The second time uses what V8 learned in the first. After more, V8 would begin to optimise in the child. */
const TIMES = 2;

function nothing(): void {}

/** One that does nothing, of the kind that the program probably listens with. A program without http should not load it. */
export function makeServer(): Server {
  const http = hasNodeLoaded('http') ? (require('node:http') as typeof import('node:http')) : undefined;
  return http === undefined ? createServer(nothing) : http.createServer(nothing);
}

/** A TCP socket, as most are, bound to nothing. Undefined if sockets are forbidden. */
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

/** As if it had begun to listen; otherwise its listeners would be called in the next turn of the loop, in every child. */
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

/** Leaves nothing behind. Does nothing if sockets are forbidden. */
export function rehearseListening(): void {
  try {
    for (let i = 0; i < TIMES; i++) {
      const socket = unboundSocket();
      if (socket !== undefined) serve(socket);
    }
  } catch {
    // A listener of all servers has thrown. The rehearsal is useful, but not necessary.
  }
}
