/**
 * What stands in for the natives where the addon cannot be loaded: all that needs no fork, by Node's own calls and within
 * this process. The sockets have numbers, as descriptors do, that mean something in here only.
 */
import { constants, networkInterfaces } from 'node:os';
import { preforkError } from './errors';
import { type Handle, hasHandles, type Listener, makeListener } from './node-listener';

import net = require('node:net');

const { EBADF, EEXIST } = constants.errno;

/** As the natives have them (binding.ts). */
interface Endpoint {
  family: number;
  address: string;
  port: number;
}
interface ResolvedAddress extends Endpoint {
  protocol: number;
  sockaddr: ArrayBuffer;
}

/** The size of the mapping that processes would share. */
const SHARED_BYTES = (1024 + 80 + 520) * 1024;

/** Linux's, which only this package reads. */
const SOCKET_CONSTANTS = {
  AF_UNSPEC: 0,
  AF_UNIX: 1,
  AF_INET: 2,
  AF_INET6: 10,
  AI_PASSIVE: 1,
  AI_CANONNAME: 2,
  AI_NUMERICHOST: 4,
  AI_V4MAPPED: 8,
  AI_ALL: 16,
  AI_ADDRCONFIG: 32,
  AI_NUMERICSERV: 1024,
  EAI_NONAME: -2,
  EAI_ADDRFAMILY: -9,
  IPPROTO_IPV6: 41,
  IPV6_V6ONLY: 26,
  SOL_SOCKET: 1,
  SO_REUSEADDR: 2,
  SO_REUSEPORT: 15,
  SO_ACCEPTCONN: 30,
} as const;

const { AF_INET, AF_INET6, AI_NUMERICHOST, AF_UNIX, AF_UNSPEC, EAI_NONAME, IPV6_V6ONLY, SO_REUSEPORT } =
  SOCKET_CONSTANTS;

/** No descriptor is as high: what is handed to Node by mistake is refused. */
const FIRST_NUMBER = 1 << 30;

interface Socket {
  readonly __brand: 'NativeAcceptor';
  family: number;
  ipv6Only: boolean;
  listener?: Listener;
  isWatched?: boolean;
}

/** Everything below is this process's own; a process without the addon forks no other. */
const sockets = new Map<number, Socket>();
const connections = new Map<number, Handle>();
let nextNumber = FIRST_NUMBER;

const endpointOf = ({ address, family, port }: net.AddressInfo): Endpoint => ({
  address,
  family: family === 'IPv6' ? AF_INET6 : AF_INET,
  port,
});

function knowsIPv6(): boolean {
  return Object.values(networkInterfaces()).some((all) => all?.some(({ family }) => family === 'IPv6'));
}

/** Without handles a server listens once: on one socket for both families. */
function anyAddress(): string[] {
  if (!knowsIPv6()) return ['0.0.0.0'];
  return hasHandles ? ['0.0.0.0', '::'] : ['::'];
}

function loopback(): string[] {
  return hasHandles && knowsIPv6() ? ['127.0.0.1', '::1'] : ['127.0.0.1'];
}

/** Node has no call that waits for a resolver: what is here is addresses, and the one name that everybody has. */
function addressesOf(host: string | null, family: number): string[] {
  const addresses = host === null ? anyAddress() : host === 'localhost' ? loopback() : [host];
  const wanted = family === AF_UNSPEC ? [4, 6] : [family === AF_INET ? 4 : 6];
  return addresses.filter((address) => wanted.includes(net.isIP(address)));
}

function noResolver(host: string): Error {
  return preforkError(
    'ERR_PREFORK_UNSUPPORTED',
    `Without its native addon prefork cannot look up ${host} before it binds: give an IP address`,
  );
}

function noSharedPort(): Error {
  return preforkError(
    'ERR_PREFORK_UNSUPPORTED',
    'Without its native addon prefork cannot have several sockets share a port: leave out reusePort and perWorker',
  );
}

function resolve(
  host: string | null,
  service: string,
  family: number,
  flags: number,
): ResolvedAddress[] | number {
  const port = Number(service);
  const found = addressesOf(host, family);
  const isName = host !== null && host !== 'localhost' && net.isIP(host) === 0;
  if (isName && (flags & AI_NUMERICHOST) === 0) throw noResolver(host);
  if (found.length === 0) return Math.abs(EAI_NONAME);
  return found.map((address) => ({
    address,
    family: net.isIPv6(address) ? AF_INET6 : AF_INET,
    port,
    protocol: 0,
    sockaddr: new TextEncoder().encode(address).buffer as ArrayBuffer,
  }));
}

/** Binds, or answers `-errno`. */
function bind(fd: number, address: string, port: number): number {
  const socket = sockets.get(fd);
  if (socket === undefined) return -EBADF;
  const made = makeListener({ address, port, ipv6Only: socket.ipv6Only, isPath: socket.family === AF_UNIX });
  if (typeof made === 'number') return made;
  socket.listener = made;
  return 0;
}

function name(fd: number): Endpoint | number {
  const socket = sockets.get(fd);
  if (socket === undefined) return -EBADF;
  const address = socket.listener?.address();
  if (address === undefined) return { family: socket.family, address: '', port: 0 };
  if (typeof address === 'string') return { family: AF_UNIX, address, port: 0 };
  return endpointOf(address);
}

function close(fd: number): number {
  const socket = sockets.get(fd);
  socket?.listener?.close();
  return sockets.delete(fd) ? 0 : -EBADF;
}

function accept(fd: number, callback: (connection: number, peer?: Endpoint) => void): number | Socket {
  const socket = sockets.get(fd);
  if (socket?.listener === undefined) return -EBADF;
  if (socket.isWatched) return -EEXIST;
  const error = socket.listener.accept((client) => {
    if (typeof client === 'number') return callback(client, undefined);
    const peer = { address: '', family: '', port: 0 };
    const isKnown = client.getpeername?.(peer) === 0;
    connections.set(nextNumber, client);
    callback(nextNumber++, isKnown ? endpointOf(peer) : { family: AF_UNIX, address: '', port: 0 });
  });
  if (error < 0) return error;
  socket.isWatched = true;
  return socket;
}

/** The natives that there are; every other one explains. */
export const STAND_IN = {
  socket_constants: SOCKET_CONSTANTS,
  shared_memory: () => new ArrayBuffer(SHARED_BYTES),
  supervise_ring: () => {},
  process_getpid: () => process.pid,
  process_getppid: () => process.ppid,
  process_spawn_apart: () => 0,
  wait_real_process: (): NodeJS.Process => process,
  // At loading, for a fork that will never be.
  on_fork_elsewhere: () => {},
  random_is_known: (): boolean => true,

  socket_getaddrinfo: resolve,
  socket_open: (family: number): number => {
    sockets.set(nextNumber, { __brand: 'NativeAcceptor', family, ipv6Only: false });
    return nextNumber++;
  },
  socket_setsockopt: (fd: number, _level: number, option: number, value: number): number => {
    const socket = sockets.get(fd);
    if (socket === undefined) return -EBADF;
    if (option === SO_REUSEPORT) throw noSharedPort();
    if (option === IPV6_V6ONLY) socket.ipv6Only = value !== 0;
    return 0;
  },
  socket_bind_inet: (fd: number, sockaddr: ArrayBuffer, port: number): number =>
    bind(fd, new TextDecoder().decode(sockaddr), port),
  socket_bind_unix: (fd: number, path: string): number => bind(fd, path, 0),
  socket_listen: (fd: number, backlog: number): number =>
    sockets.get(fd)?.listener?.listen(backlog) ?? -EBADF,
  socket_getsockname: name,
  socket_close: close,
  accept_start: accept,
  accept_stop: (socket: Socket): void => {
    socket.listener?.pause();
    socket.isWatched = false;
  },
  accept_keep_alive: (socket: Socket, alive: boolean): void => socket.listener?.keepAlive(alive),
};

/** What Node's own accepting has made of a connection that `accept_start` has told of; once. */
export function takeConnection(fd: number): Handle | undefined {
  const handle = connections.get(fd);
  connections.delete(fd);
  return handle;
}

/** What listens under such a number. */
export function listenerOf(fd: number): Listener | undefined {
  return sockets.get(fd)?.listener;
}
