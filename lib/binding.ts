import { join } from 'node:path';

import load = require('node-gyp-build');

/** One end of a connection. A Unix socket's address is its path and its port is 0. */
export interface Endpoint {
  /** `AF_INET`, `AF_INET6` or `AF_UNIX`. */
  family: number;
  address: string;
  port: number;
}

/** One result of getaddrinfo(3): `sockaddr` is for `socket_bind_inet`, the rest is what it says. */
export interface ResolvedAddress extends Endpoint {
  protocol: number;
  sockaddr: ArrayBuffer;
}

/** A listening descriptor that the event loop watches. */
export interface NativeAcceptor {
  readonly __brand: 'NativeAcceptor';
}

/** The constants of <sys/socket.h>, <netinet/in.h> and <netdb.h> that lib/ uses. */
export interface SocketConstants {
  readonly AF_UNSPEC: number;
  readonly AF_INET: number;
  readonly AF_INET6: number;
  readonly AF_UNIX: number;
  readonly AI_PASSIVE: number;
  readonly AI_CANONNAME: number;
  readonly AI_NUMERICHOST: number;
  readonly AI_NUMERICSERV: number;
  readonly AI_V4MAPPED: number;
  readonly AI_ALL: number;
  readonly AI_ADDRCONFIG: number;
  readonly EAI_NONAME: number;
  readonly IPPROTO_IPV6: number;
  readonly IPV6_V6ONLY: number;
  readonly SOL_SOCKET: number;
  readonly SO_ACCEPTCONN: number;
  readonly SO_REUSEADDR: number;
  readonly SO_REUSEPORT: number;
}

/** An active handle of an event loop, as libuv knows it. */
export interface LoopHandle {
  /** libuv's name: `tcp`, `pipe`, `udp`, `fs_event`, `fs_poll`, `process`, `poll`, `async`, … */
  type: string;
  /** -1 if it has none. */
  fd: number;
  /** Of a `process`; otherwise 0. */
  pid: number;
  /** Whether it is a socket that accepts connections. */
  listening: boolean;
  /** Whether it is a pipe between Node processes, an IPC channel. */
  passesHandles: boolean;
  /** What an `fs_event` or `fs_poll` watches. */
  path: string;
  /** `127.0.0.1:80`, `[::1]:80`, a path, or empty. */
  local: string;
  /** The other end, if connected. */
  remote: string;
}

/** Every native call. A number below zero is always `-errno`; the callers in lib/ turn it into an error. */
export interface Binding {
  /** Requests in flight on the loop of this thread, without the one whose callback is running. */
  loop_active_requests(): number;
  /** The active handles of the loop of this thread, referenced or not, in the order in which they were made. */
  loop_active_handles(): LoopHandle[];
  /**
   * getaddrinfo(3) for SOCK_STREAM; it blocks. A number below zero is `-errno` (EAI_SYSTEM), one above
   * zero the absolute value of an `EAI_` constant.
   */
  socket_getaddrinfo(
    host: string | null,
    service: string,
    family: number,
    flags: number,
  ): ResolvedAddress[] | number;
  /** socket(2) for SOCK_STREAM, non-blocking and closed on exec: the descriptor. */
  socket_open(family: number, protocol: number): number;
  /** getsockopt(2) of an `int`. */
  socket_getsockopt(fd: number, level: number, name: number): number;
  /** setsockopt(2) of an `int`: 0. */
  socket_setsockopt(fd: number, level: number, name: number, value: number): number;
  /** bind(2) to a `sockaddr` of `socket_getaddrinfo`, at `port` whatever its own port is: 0. */
  socket_bind_inet(fd: number, sockaddr: ArrayBuffer, port: number): number;
  /** bind(2) to a path, in the abstract namespace if it begins with NUL: 0. */
  socket_bind_unix(fd: number, path: string): number;
  /** listen(2): 0. */
  socket_listen(fd: number, backlog: number): number;
  /** getsockname(2). */
  socket_getsockname(fd: number): Endpoint | number;
  /** close(2): 0. */
  socket_close(fd: number): number;
  /**
   * Watches a listening descriptor and calls back with each connection's descriptor and other end, up to
   * 128 in one turn of the loop, or with `-errno`. What the callback throws is an uncaught exception.
   * Keeps the loop alive until `accept_stop`, which must come before the descriptor is closed.
   */
  accept_start(
    fd: number,
    callback: (connection: number, peer: Endpoint | undefined) => void,
  ): NativeAcceptor | number;
  /** Ends the watching; `acceptor` must not be used again. */
  accept_stop(acceptor: NativeAcceptor): void;
  /** Whether a watched descriptor alone keeps the loop alive (uv_ref, uv_unref). */
  accept_keep_alive(acceptor: NativeAcceptor, alive: boolean): void;
  readonly socket_constants: SocketConstants;
}

export const binding = load(join(__dirname, '..')) as Binding;
