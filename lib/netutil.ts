/**
 * The listening half of `tornado.netutil`, with the same names in camelCase.
 * @module
 */
import { chmodSync, statSync, unlinkSync } from 'node:fs';
import { type AddressInfo, createServer, Server, type Socket } from 'node:net';
import {
  boolean,
  callable,
  given,
  integer,
  invalidValue,
  isThenable,
  object,
  string,
} from './base/arguments';
import { binding } from './base/binding';
import { check, invalidType, preforkError, type SystemError, systemError } from './base/errors';
import { knownOptions } from './base/option-names';
import { logAsTornado } from './log/loggers';
import { appLog } from './log/tornado-loggers';
import { Acceptor } from './sockets/acceptor';
import { allowAddressReuse, bindAll, closingOnError, type Request } from './sockets/bind';
import { connectionOn } from './sockets/connection';
import { listensByItself } from './sockets/listen-by-itself';
import { ListeningSocket, nodeAddress } from './sockets/listening-socket';
import { getaddrinfo, inOrder } from './sockets/resolve';
import { serve } from './sockets/server-handle';
import { ownSockets } from './sockets/worker-sockets';

export { ListeningSocket } from './sockets/listening-socket';
export { isValidIp } from './sockets/resolve';

/** The constants of Python's `socket` module that `bindSockets` takes. */
export const {
  /** Any family. */
  AF_UNSPEC,
  /** IPv4. */
  AF_INET,
  /** IPv6. */
  AF_INET6,
  /** Unix sockets: the family of some `ListeningSocket`s. */
  AF_UNIX,
  /** Without an address, every address of this machine. See getaddrinfo(3) for these. */
  AI_PASSIVE,
  /** Ask for the canonical name; nothing here uses it. */
  AI_CANONNAME,
  /** The address is numeric: ask no resolver. */
  AI_NUMERICHOST,
  /** The port is numeric, as it always is here. */
  AI_NUMERICSERV,
  /** Map IPv4 addresses to IPv6 if there are no others. */
  AI_V4MAPPED,
  /** With `AI_V4MAPPED`: map them even if there are others. */
  AI_ALL,
  /** Only families for which this machine has an address. */
  AI_ADDRCONFIG,
} = binding.socket_constants;

const DEFAULT_BACKLOG = 128;
const CHOICES_OF_PORT = 20;
const MAX_INT = 0x7fff_ffff;

/** Options of `bindSockets`. */
export interface BindSocketsOptions {
  /** `AF_INET` or 4, `AF_INET6` or 6: only addresses of that family. Default `AF_UNSPEC` (0): both. */
  family?: number;
  /** Connections that may wait to be accepted, on each socket. Default 128; see listen(2). */
  backlog?: number;
  /** A bit mask of `AI_` flags for getaddrinfo(3). Default `AI_PASSIVE`. */
  flags?: number;
  /**
   * Set SO_REUSEPORT, so that several processes may each bind the port and the kernel spreads the
   * connections over them. Default false.
   */
  reusePort?: boolean;
  /**
   * Bind this many sockets per address, one accept queue per worker of `forkProcesses` (implies SO_REUSEPORT). Default: one
   * shared socket.
   *
   * Connections go to the sockets in turns if this process may load a program into the kernel: with CAP_BPF and
   * CAP_NET_ADMIN, which root has, on Linux 5.12. Otherwise a hash of the addresses decides, which is even only for many
   * connections. While sockets take turns, sockets that another process has bound to the same port (`reusePort`) get no
   * new connections.
   *
   * Pass all sockets to `addSockets`, which takes the worker's own. The parent keeps them open: a restarted worker takes
   * over its predecessor's queue, and no waiting connection is lost. But connections to a hung worker wait for it, while a
   * shared socket would give them to another. Once a worker ends with status 0, its socket is closed, and waiting
   * connections are reset.
   */
  perWorker?: number;
}

const BIND_OPTIONS = [
  'family',
  'backlog',
  'flags',
  'reusePort',
  'perWorker',
] as const satisfies readonly (keyof BindSocketsOptions)[];

/** Options of `bindUnixSocket`. */
export interface BindUnixSocketOptions {
  /** Mode of the file. Default 0o600: only its owner may connect. */
  mode?: number;
  /** Connections that may wait to be accepted. Default 128; see listen(2). */
  backlog?: number;
}

const UNIX_OPTIONS = ['mode', 'backlog'] as const satisfies readonly (keyof BindUnixSocketOptions)[];

/** `connection` has no listeners yet; `address` is its other end ('' for an unnamed Unix socket). */
export type AcceptCallback = (connection: Socket, address: AddressInfo | string) => unknown;

/* ---- bindSockets ---- */

const MAX_WORKERS = 4096;

function familyOf(value: number): number {
  if (value === 4 || value === AF_INET) return AF_INET;
  if (value === 6 || value === AF_INET6) return AF_INET6;
  if (value === AF_UNSPEC) return AF_UNSPEC;
  throw invalidValue(`Expected AF_INET, AF_INET6 or AF_UNSPEC for family but received ${String(value)}`);
}

function hostOf(address: string | null | undefined): string | null {
  if (address === null || address === undefined || address === '') return null;
  if (string('address', address).includes('\0')) {
    throw invalidValue('Expected an address without NUL characters for address');
  }
  return address;
}

function requestOf(port: number, address: string | null | undefined, options: BindSocketsOptions): Request {
  knownOptions('options', object('options', options), BIND_OPTIONS);
  const { perWorker } = options;
  if (perWorker !== undefined) integer('perWorker', perWorker, 1, MAX_WORKERS);
  return {
    port: integer('port', port, 0, 65535),
    host: hostOf(address),
    family: familyOf(options.family ?? AF_UNSPEC),
    backlog: integer('backlog', options.backlog ?? DEFAULT_BACKLOG, 0, MAX_INT),
    flags: integer('flags', options.flags ?? AI_PASSIVE, 0, MAX_INT),
    reusePort: boolean('reusePort', options.reusePort ?? false) || perWorker !== undefined,
    perWorker,
  };
}

/** The port that the system chose for the first address is taken on another one. */
function isTakenElsewhere({ code, port }: SystemError, request: Request): boolean {
  return request.port === 0 && code === 'EADDRINUSE' && port !== 0;
}

/**
 * Creates listening sockets for a port, one per address of `address`; usually one for IPv4 and one for IPv6
 * (`tornado.netutil.bind_sockets`).
 *
 * IPv4 comes first. With port 0 the system chooses one that is free on every address. The sockets are non-blocking and have
 * SO_REUSEADDR; those for IPv6 accept no IPv4. They survive a fork, not an exec. It skips families that the system lacks,
 * and ::1 of "localhost" if it cannot be bound. It blocks while it looks up a host name. If it throws, it leaves no socket
 * open.
 *
 * @param port 0 to 65535.
 * @param address An IP address or a host name; '', null or undefined for every interface.
 * @throws SystemError bind or listen `EADDRINUSE`, `EADDRNOTAVAIL`, `EACCES`, with `address` and `port`.
 * @throws ResolverError getaddrinfo `ENOTFOUND` and others of `dns.lookup`, with `hostname`.
 * @throws RangeError `ERR_PREFORK_OUT_OF_RANGE`: port, backlog, flags or perWorker.
 * @throws Error `ERR_PREFORK_UNSUPPORTED`: `reusePort` on a kernel without SO_REUSEPORT.
 */
export function bindSockets(
  port: number,
  address?: string | null,
  options: BindSocketsOptions = {},
): ListeningSocket[] {
  const request = requestOf(port, address, options);
  const addresses = inOrder(getaddrinfo(request.host, port, request.family, request.flags));
  for (let attempt = 1; ; attempt++) {
    try {
      return bindAll(addresses, request);
    } catch (error) {
      if (attempt === CHOICES_OF_PORT || !isTakenElsewhere(error as SystemError, request)) throw error;
    }
  }
}

/* ---- bindUnixSocket ---- */

function isAbstract(path: string): boolean {
  return path.startsWith('\0');
}

function pathOf(value: string): string {
  const path = string('path', value);
  if (path === '' || (!isAbstract(path) && path.includes('\0'))) {
    throw invalidValue('Expected a path without NUL characters, or with a first one, for path');
  }
  return path;
}

/** Python takes the mode and the backlog by their places, too. */
function unixOptions(
  options: BindUnixSocketOptions | number | null | undefined,
  positionalBacklog: number | null | undefined,
): Required<BindUnixSocketOptions> {
  const named = typeof options === 'number' ? { mode: options } : given('options', options ?? {});
  knownOptions('options', named, UNIX_OPTIONS);
  const { mode = 0o600, backlog = positionalBacklog ?? DEFAULT_BACKLOG } = named as BindUnixSocketOptions;
  return {
    mode: integer('mode', mode, 0, 0o7777),
    backlog: integer('backlog', backlog, 0, MAX_INT),
  };
}

/** A socket that an earlier server left behind would make bind fail with EADDRINUSE. */
function removeOldSocket(path: string): void {
  const present = statSync(path, { throwIfNoEntry: false });
  if (present === undefined) return;
  if (!present.isSocket()) {
    throw preforkError('ERR_PREFORK_INVALID_ARG_VALUE', `File ${path} exists and is not a socket`);
  }
  unlinkSync(path);
}

/**
 * Creates a listening Unix socket (`tornado.netutil.bind_unix_socket`).
 *
 * It first removes a socket that exists at `path`, even if somebody listens on it. A path that begins with NUL is a name in
 * Linux's abstract namespace, without file or permissions (man 7 unix); `net.connect` of Node 20 reaches only those of 108
 * bytes. The socket listens only once the file has its mode, so nobody can connect earlier.
 *
 * @param path At most 107 bytes of UTF-8.
 * @throws Error `ERR_PREFORK_INVALID_ARG_VALUE`, `File <path> exists and is not a socket`.
 * @throws SystemError bind `ENAMETOOLONG`, `EACCES`, `ENOENT`, `EADDRINUSE` (abstract), with `address`.
 */
export function bindUnixSocket(
  path: string,
  options?: BindUnixSocketOptions | number | null,
  positionalBacklog?: number | null,
): ListeningSocket {
  const where = { address: pathOf(path) };
  const { mode, backlog } = unixOptions(options, positionalBacklog);

  const fd = check(binding.socket_open(AF_UNIX, 0), 'socket');
  return closingOnError(fd, () => {
    allowAddressReuse(fd);
    if (!isAbstract(path)) removeOldSocket(path);
    check(binding.socket_bind_unix(fd, path), 'bind', where);
    if (!isAbstract(path)) chmodSync(path, mode);
    check(binding.socket_listen(fd, backlog), 'listen', where);
    return new ListeningSocket(fd);
  });
}

/* ---- accepting ---- */

function listeningSocket(name: string, value: unknown): ListeningSocket {
  if (!(value instanceof ListeningSocket)) throw invalidType(name, 'a ListeningSocket', value);
  return value;
}

/** What asyncio does with it, which Tornado's loop is; and a connection that nobody holds any more is closed. */
function callSafely(callback: AcceptCallback, connection: Socket, address: AddressInfo | string): void {
  const fail = (error: unknown) => {
    logAsTornado(appLog, 'error', 'Exception in callback', 'netutil:277', [error]);
    connection.destroy();
  };
  try {
    const result: unknown = callback(connection, address);
    if (isThenable(result)) result.then(undefined, fail);
  } catch (error) {
    fail(error);
  }
}

/** Where nothing else can accept. */
function acceptByServer(socket: ListeningSocket, callback: AcceptCallback): () => void {
  const server = createServer((connection) => {
    const { remoteAddress: address, remoteFamily: family = 'IPv4', remotePort: port = 0 } = connection;
    callSafely(callback, connection, address === undefined ? '' : { address, family, port });
  });
  serve(server, [socket]);
  return () => server.close();
}

/**
 * Calls `callback(connection, address)` for each connection to `socket` (`tornado.netutil.add_accept_handler`).
 *
 * It accepts at most 128 per turn of the event loop, so that nothing else starves. The socket keeps the process alive until
 * you call the returned function. A process out of descriptors or memory warns (`AcceptWarning`) and leaves connections in
 * the queue for a second, where a sibling that shares the socket may take them. Any other failure of accept(2) stops the
 * handler and is an uncaught exception. What `callback` throws, or a promise it returns rejects with, is logged to
 * `tornado.application`; the connection is closed, and the handler goes on.
 *
 * @returns A function that stops accepting and leaves the socket open; calling it again does nothing.
 * @throws SystemError accept `EEXIST`: this process accepts on the socket already; `EBADF`: it is closed.
 */
export function addAcceptHandler(socket: ListeningSocket, callback: AcceptCallback): () => void {
  callable('callback', callback);
  if (listensByItself()) return acceptByServer(listeningSocket('socket', socket), callback);
  const acceptor = new Acceptor(listeningSocket('socket', socket), {
    connection: (fd, peer) => callSafely(callback, connectionOn(fd), nodeAddress(peer)),
    failure: (negativeErrno) => {
      throw systemError(negativeErrno, 'accept');
    },
  });
  return () => acceptor.stop();
}

/** Bun's http.Server is no net.Server. */
function isForeign(server: unknown): boolean {
  return listensByItself() && typeof (server as Partial<Server> | null)?.listen === 'function';
}

/**
 * Makes a server serve any number of listening sockets (`TCPServer.add_sockets`). Takes any net.Server: net, tls, http, https
 * or http2. Call it again to add more.
 *
 * The server behaves as after `server.listen()`: it emits 'listening' on the next tick, `address()` is the first socket's,
 * and `maxConnections`, `pauseOnConnect`, `noDelay`, `getConnections()`, `ref()` and `unref()` work. The server now owns the
 * sockets: `server.close()` closes them and waits for the connections. Without sockets the call does nothing. Of sockets
 * bound `perWorker`, a worker of `forkProcesses` serves its own and closes its copies of the others.
 *
 * @throws TypeError `ERR_PREFORK_INVALID_ARG_VALUE`: there are fewer sockets than workers.
 * @throws Error `ERR_PREFORK_BUSY`: the server listens by its own `listen()`.
 * @throws SystemError accept `EEXIST`: this process accepts on a socket already; `EBADF`: one is closed.
 */
export function addSockets(server: Server, sockets: Iterable<ListeningSocket>): void {
  if (!(server instanceof Server) && !isForeign(server)) throw invalidType('server', 'a net.Server', server);
  if (typeof sockets !== 'object' || sockets === null || !(Symbol.iterator in sockets)) {
    throw invalidType('sockets', 'a list of ListeningSocket', sockets);
  }
  serve(server, ownSockets(Array.from(sockets, (socket) => listeningSocket('each of sockets', socket))));
}
