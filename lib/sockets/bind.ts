/** Listening sockets of TCP, from socket(2) to listen(2). */
import type { AddressInfo } from 'node:net';
import { constants } from 'node:os';
import { binding, type ResolvedAddress } from '../base/binding';
import { check, preforkError, type SystemError } from '../base/errors';
import { ListeningSocket } from './listening-socket';
import { Turns } from './turns';

const { AF_INET6, IPPROTO_IPV6, IPV6_V6ONLY, SOL_SOCKET, SO_REUSEADDR, SO_REUSEPORT } =
  binding.socket_constants;
const { EADDRNOTAVAIL, EAFNOSUPPORT, ENOPROTOOPT } = constants.errno;

/** Runs `use`; if it throws, closes `fd` first. */
export function closingOnError<T>(fd: number, use: () => T): T {
  try {
    return use();
  } catch (error) {
    binding.socket_close(fd);
    throw error;
  }
}

export function allowAddressReuse(fd: number): void {
  const result = binding.socket_setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, 1);
  if (result !== -ENOPROTOOPT) check(result, 'setsockopt'); // the Hurd has no SO_REUSEADDR
}

function allowPortReuse(fd: number): void {
  const result = binding.socket_setsockopt(fd, SOL_SOCKET, SO_REUSEPORT, 1);
  if (result === -ENOPROTOOPT) {
    throw preforkError('ERR_PREFORK_UNSUPPORTED', "the platform doesn't support SO_REUSEPORT");
  }
  check(result, 'setsockopt');
}

/** Linux would accept IPv4 on an IPv6 socket too, and then 0.0.0.0 and :: could not share a port. */
export function setIPv6Only(fd: number, only: boolean): void {
  check(binding.socket_setsockopt(fd, IPPROTO_IPV6, IPV6_V6ONLY, only ? 1 : 0), 'setsockopt');
}

/** How one socket listens. */
export interface Listening {
  port: number;
  backlog: number;
  /** Others may bind the same port. */
  reusePort: boolean;
  /** A socket of IPv6 takes no IPv4. */
  ipv6Only: boolean;
  /** What an error of bind(2) names as its call. Node's own errors say `listen`. */
  bindSyscall: 'bind' | 'listen';
  /** The task id of the worker that it is for; undefined: for all. */
  worker?: number | undefined;
}

/** A socket that listens on one address. If it throws, none is left open. */
export function listenOnAddress(
  { family, protocol, address, sockaddr }: ResolvedAddress,
  { port, backlog, reusePort, ipv6Only, bindSyscall, worker }: Listening,
): ListeningSocket {
  const where = { address, port };
  const fd = check(binding.socket_open(family, protocol), 'socket');
  return closingOnError(fd, () => {
    allowAddressReuse(fd);
    if (reusePort) allowPortReuse(fd);
    if (family === AF_INET6) setIPv6Only(fd, ipv6Only);
    check(binding.socket_bind_inet(fd, sockaddr, port), bindSyscall, where);
    check(binding.socket_listen(fd, backlog), 'listen', where);
    return new ListeningSocket(fd, worker);
  });
}

/** What `bindSockets` was asked for, complete and checked. */
export interface Request {
  port: number;
  host: string | null;
  family: number;
  backlog: number;
  flags: number;
  reusePort: boolean;
  perWorker: number | undefined;
}

/** The system has no such family (a kernel without IPv6). */
function isUnknownFamily({ syscall, errno }: SystemError): boolean {
  return syscall === 'socket' && errno === -EAFNOSUPPORT;
}

/**
 * Docker by default has an IPv6 that can be created and not bound, where localhost is ::1 all the same.
 * Anywhere else the error may be a real mistake in a configuration.
 */
function isHalfDisabledIPv6({ syscall, errno, address }: SystemError, { host }: Request): boolean {
  return syscall === 'bind' && errno === -EADDRNOTAVAIL && host === 'localhost' && address === '::1';
}

/** Undefined where there is nothing to listen on and that is no error. */
function bindOne(
  resolved: ResolvedAddress,
  port: number,
  request: Request,
  worker: number | undefined,
): ListeningSocket | undefined {
  const { backlog, reusePort } = request;
  try {
    return listenOnAddress(resolved, {
      port,
      backlog,
      reusePort,
      ipv6Only: true,
      bindSyscall: 'bind',
      worker,
    });
  } catch (error) {
    const failed = error as SystemError;
    if (isUnknownFamily(failed) || isHalfDisabledIPv6(failed, request)) return undefined;
    throw error;
  }
}

function portOf(socket: ListeningSocket | undefined): number {
  const name = socket?.address();
  return typeof name === 'object' ? name.port : 0;
}

function hostnameOf(socket: ListeningSocket): string {
  return (socket.address() as AddressInfo).address;
}

function workersOf({ perWorker }: Request): (number | undefined)[] {
  return perWorker === undefined ? [undefined] : Array.from({ length: perWorker }, (_, id) => id);
}

/** The workers' sockets of one address among themselves. */
function letTakeTurns(sockets: ListeningSocket[]): void {
  const hosts = new Set(sockets.map(hostnameOf));
  for (const host of hosts) {
    const sharing = sockets.filter((socket) => hostnameOf(socket) === host);
    const turns = Turns.take((sharing[0] as ListeningSocket).fd, sharing.length);
    turns?.add(sharing.map(({ fd }, slot) => [slot, fd]));
    turns?.close();
  }
}

/** All of them or none. */
export function bindAll(addresses: ResolvedAddress[], request: Request): ListeningSocket[] {
  const sockets: ListeningSocket[] = [];
  try {
    for (const worker of workersOf(request)) {
      for (const resolved of addresses) {
        const socket = bindOne(resolved, request.port || portOf(sockets[0]), request, worker);
        if (socket) sockets.push(socket);
      }
    }
    if (request.perWorker !== undefined) letTakeTurns(sockets);
  } catch (error) {
    for (const socket of sockets) socket.close();
    throw error;
  }
  return sockets;
}
