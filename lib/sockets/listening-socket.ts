import type { AddressInfo } from 'node:net';
import { integer } from '../base/arguments';
import { binding, type Endpoint } from '../base/binding';
import { check, systemError } from '../base/errors';
import { forgetSocket, noteSocket } from './worker-sockets';

const { AF_INET6, AF_UNIX } = binding.socket_constants;

/** An endpoint as Node shows it: `server.address()` of a TCP server, or the path of a Unix socket. */
export function nodeAddress({ family, address, port }: Endpoint): AddressInfo | string {
  if (family === AF_UNIX) return address;
  return { address, family: family === AF_INET6 ? 'IPv6' : 'IPv4', port };
}

function nameOf(fd: number): Endpoint {
  const endpoint = binding.socket_getsockname(fd);
  if (typeof endpoint === 'number') throw systemError(endpoint, 'getsockname');
  return endpoint;
}

/** Known to every copy of this package that a program has loaded. */
const IS_LISTENING_SOCKET = Symbol.for('prefork.ListeningSocket');

/**
 * A listening socket outside any event loop: `bindSockets` and `bindUnixSocket` return it, `addSockets` and
 * `addAcceptHandler` serve it.
 *
 * Bind it before a fork and serve it afterwards: parent and children then have the same open file, each through its own
 * descriptor, and the first process to accept a connection gets it. It is closed on exec.
 */
export class ListeningSocket {
  readonly #name: Endpoint;
  readonly #beforeClose = new Set<() => void>();
  #fd: number;

  /** @internal Those that another copy of this package has made are listening sockets, too. */
  static [Symbol.hasInstance](value: unknown): boolean {
    return typeof value === 'object' && value !== null && IS_LISTENING_SOCKET in value;
  }

  /** Task id of its worker (`bindSockets` with `perWorker`); undefined: for all workers. */
  readonly worker: number | undefined;

  /**
   * Takes over a listening descriptor, for instance one inherited from a supervisor.
   *
   * @throws SystemError getsockname `EBADF`, `ENOTSOCK`: `fd` is not a socket.
   */
  constructor(fd: number, worker?: number) {
    this.worker = worker;
    this.#fd = integer('fd', fd, 0, 0x7fff_ffff);
    this.#name = nameOf(fd);
    noteSocket(this);
  }

  /** The descriptor; -1 once closed (as Python's `socket.fileno()`). */
  get fd(): number {
    return this.#fd;
  }

  /** `AF_INET`, `AF_INET6` or `AF_UNIX`. */
  get family(): number {
    return this.#name.family;
  }

  /**
   * Returns what the socket is bound to, also after it is closed: address, family and port of a TCP socket, or the path of a
   * Unix socket (in the abstract namespace it begins with NUL).
   */
  address(): AddressInfo | string {
    return nodeAddress(this.#name);
  }

  /**
   * Stops accepting in this process and closes its descriptor; calling it again does nothing. The port is free once every
   * process that shares the socket has closed it. The file of a Unix socket stays, as in Tornado: other processes may still
   * serve it.
   */
  close(): void {
    if (this.#fd === -1) return;
    for (const action of this.#beforeClose) action();
    const fd = this.#fd;
    this.#fd = -1;
    forgetSocket(this);
    check(binding.socket_close(fd), 'close');
  }

  /** @internal Runs `action` before the descriptor is closed; returns a function that forgets it. */
  beforeClose(action: () => void): () => void {
    this.#beforeClose.add(action);
    return () => this.#beforeClose.delete(action);
  }
}

Object.defineProperty(ListeningSocket.prototype, IS_LISTENING_SOCKET, { value: true });
