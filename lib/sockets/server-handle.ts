import type { AddressInfo, Server, Socket } from 'node:net';
import { binding, type Endpoint } from '../base/binding';
import { preforkError } from '../base/errors';
import { Acceptor } from './acceptor';
import { connectionOn } from './connection';
import { listenByItself, listensByItself } from './listen-by-itself';
import { type ListeningSocket, nodeAddress } from './listening-socket';

const { AF_INET6, AF_UNIX } = binding.socket_constants;

/** Node's own TCP or Pipe object, of which only Node knows what it can do. */
type ClientHandle = object;

/** What lib/net.js keeps of a server's handle; unchanged since Node 0.12, and used by node:cluster. */
interface ServerInternals {
  _handle: object | null;
  _pipeName?: string;
  /** Makes `_handle` listen, and emits 'listening' on the next tick. */
  _listen2(address: string, port: number, addressType: number, backlog: number, fd: undefined): void;
}

function internals(server: Server): ServerInternals {
  return server as unknown as ServerInternals;
}

/**
 * Wraps a descriptor in libuv's object, taken out of a net.Socket, the only public way to make one. `manualStart` leaves
 * reading to the receiver of the object.
 */
function clientHandle(fd: number, peer: Endpoint): ClientHandle {
  const socket = connectionOn(fd, { manualStart: true }) as unknown as {
    _handle: ClientHandle | null;
  };
  const handle = socket._handle as ClientHandle;
  socket._handle = null;
  return peer.family === AF_UNIX ? handle : rememberPeer(handle, peer);
}

/** getpeername(2) fails when the client has gone already; accept(2) has told who it was. */
function rememberPeer(handle: ClientHandle, peer: Endpoint): ClientHandle {
  const getpeername = (out: object) => {
    Object.assign(out, nodeAddress(peer));
    return 0;
  };
  return Object.assign(handle, { getpeername });
}

/**
 * The other end of a connection that a server got by `serve`. Reading `remoteAddress` would leave a property in the
 * socket, so that V8 took it for another kind of object than those whose address nobody has asked for.
 */
export function peerOf(socket: Socket): { address?: string; port?: number } {
  const { _handle: handle } = socket as unknown as {
    _handle: { getpeername?: (out: object) => number } | null;
  };
  const peer = {};
  handle?.getpeername?.(peer);
  return peer;
}

/**
 * What a net.Server sees in place of its one listening handle: any number of listening sockets.
 *
 * node:cluster gives its workers' servers such a stand-in too (lib/internal/cluster/child.js, `rr`).
 * Everything else stays Node's own code: `onconnection` makes the net.Socket with the server's options,
 * counts it, drops it beyond `maxConnections` and emits 'connection'; `close()` waits for all of them.
 */
export class ServerHandle {
  /** Set by the server; called with a negative errno, or 0 and a connection. */
  declare onconnection: (negativeErrno: number, client?: ClientHandle) => void;
  /** Present for TCP only, which is how `server.address()` tells it from a Unix socket. */
  declare getsockname?: (out: object) => number;
  readonly #accepting = new Map<ListeningSocket, Acceptor>();
  #keepsAlive = true;

  /** Serves the sockets, or none of them if one cannot be. */
  add(sockets: readonly ListeningSocket[]): void {
    const added: ListeningSocket[] = [];
    try {
      for (const socket of sockets) {
        this.#accepting.set(socket, this.#accept(socket));
        added.push(socket);
      }
    } catch (error) {
      for (const socket of added) this.#release(socket);
      throw error;
    }
  }

  /** What it serves. */
  get sockets(): ListeningSocket[] {
    return [...this.#accepting.keys()];
  }

  /** The sockets listen already; their backlog is not the server's to change. */
  listen(): number {
    return 0;
  }

  close(): void {
    for (const socket of this.#accepting.keys()) socket.close();
    this.#accepting.clear();
  }

  ref(): void {
    this.#keepsAlive = true;
    for (const acceptor of this.#accepting.values()) acceptor.ref();
  }

  unref(): void {
    this.#keepsAlive = false;
    for (const acceptor of this.#accepting.values()) acceptor.unref();
  }

  hasRef(): boolean {
    return this.#keepsAlive;
  }

  #accept(socket: ListeningSocket): Acceptor {
    const acceptor = new Acceptor(socket, {
      connection: (fd, peer) => this.onconnection(0, clientHandle(fd, peer)),
      failure: (negativeErrno) => this.onconnection(negativeErrno),
    });
    if (!this.#keepsAlive) acceptor.unref();
    return acceptor;
  }

  #release(socket: ListeningSocket): void {
    this.#accepting.get(socket)?.stop();
    this.#accepting.delete(socket);
  }
}

/** `server.address()` is the first socket's. */
function announce(server: Server, handle: ServerHandle, first: ListeningSocket): void {
  const name = first.address();
  if (typeof name === 'string') {
    internals(server)._pipeName = name;
    return;
  }
  handle.getsockname = (out) => {
    Object.assign(out, name);
    return 0;
  };
}

/** Node's address types: 4, 6, or -1 for a path. */
function addressType({ family }: ListeningSocket): number {
  if (family === AF_UNIX) return -1;
  return family === AF_INET6 ? 6 : 4;
}

function begin(server: Server, handle: ServerHandle, first: ListeningSocket): void {
  const name = first.address();
  const [address, port] = typeof name === 'string' ? [name, -1] : [name.address, name.port];
  announce(server, handle, first);
  internals(server)._handle = handle;
  internals(server)._listen2(address, port, addressType(first), 0, undefined);
}

/** Tells `server` that it listens there. It serves nothing until `serve` gives it sockets. */
export function seemToListen(server: Server, address: AddressInfo): void {
  const handle = new ServerHandle();
  handle.getsockname = (out) => {
    Object.assign(out, address);
    return 0;
  };
  internals(server)._handle = handle;
  const type = address.family === 'IPv6' ? 6 : 4;
  internals(server)._listen2(address.address, address.port, type, 0, undefined);
}

/** The sockets that `server` serves by `serve`; undefined if it listens by itself, or not at all. */
export function ownedSockets(server: Server): ListeningSocket[] | undefined {
  const present = internals(server)._handle;
  return present instanceof ServerHandle ? present.sockets : undefined;
}

/** Makes `server` listen on `sockets`, beside those that it has got in the same way before. */
export function serve(server: Server, sockets: readonly ListeningSocket[]): void {
  const [first] = sockets;
  if (first === undefined) return;
  if (listensByItself()) {
    listenByItself(server, sockets);
    return;
  }
  const present = internals(server)._handle;
  if (present instanceof ServerHandle) {
    present.add(sockets);
  } else if (present === null) {
    const handle = new ServerHandle();
    handle.add(sockets);
    begin(server, handle, first);
  } else {
    throw preforkError('ERR_PREFORK_BUSY', 'The server already listens, by its own listen()');
  }
}
