/** What becomes of an unmodified application's `dgram.Socket.bind()`: as with node:cluster, one socket for all workers. */
import { type BindOptions, Socket } from 'node:dgram';
import { closeSync } from 'node:fs';
import { constants } from 'node:os';
import { binding } from '../../base/binding';
import { check } from '../../base/errors';
import { allowAddressReuse, closingOnError, setIPv6Only } from '../../sockets/bind';
import { getaddrinfo } from '../../sockets/resolve';
import type { DatagramBind } from '../channel/checked';

const { AF_INET6, AF_UNSPEC, AI_NUMERICHOST } = binding.socket_constants;
const { EADDRINUSE } = constants.errno;
/** Flags of uv_udp_bind(); the first and the last are not among Node's constants. */
const UV_UDP_IPV6ONLY = 1;
const { UV_UDP_REUSEADDR } = constants;
const UV_UDP_REUSEPORT = 8;

/**
 * A descriptor of the socket that all workers have for this, or `-errno`; undefined: bind one of your own.
 *
 * @param index how many sockets this process has bound there already: the second is to fail as it would anywhere
 */
export type ShareDatagrams = (bind: DatagramBind, index: number) => number | undefined;

/** What lib/dgram.js keeps under a symbol, and calls to bind. */
interface DatagramHandle {
  bind(address: string, port: number, flags: number): number;
  open(fd: number): number;
  close(...parameters: unknown[]): unknown;
  addMembership(...parameters: unknown[]): number;
  addSourceSpecificMembership(...parameters: unknown[]): number;
}

const originalBind = Socket.prototype.bind as (this: Socket, ...parameters: unknown[]) => Socket;

/** By address, the indices that this process, or the one that it was forked from, has bound. */
const bound = new Map<string, Set<number>>();

/** What tells one socket from another. Whether the address may be used again is the first one's to say. */
export function addressOf({ host, port, ipv6Only }: DatagramBind): string {
  return `${port} ${ipv6Only} ${host}`;
}

/** From now on `share` is asked for each socket that is bound, unless it is to be exclusive, or on any free port. */
export function interceptBind(share: ShareDatagrams): void {
  Socket.prototype.bind = function bind(this: Socket, ...parameters: unknown[]): Socket {
    const handle = handleOf(this);
    if (handle !== undefined && !isExclusive(parameters[0])) bindShared(handle, share);
    return originalBind.apply(this, parameters);
  } as Socket['bind'];
}

/** For the manager: bound as libuv does it. @throws SystemError bind `EADDRINUSE`, `EACCES` … */
export function bindDatagrams({ host, port, ipv6Only, reuseAddr }: DatagramBind): number {
  const [address] = getaddrinfo(host, port, AF_UNSPEC, AI_NUMERICHOST);
  if (address === undefined) throw new Error(`no address: ${host}`);
  const fd = check(binding.socket_open_datagram(address.family), 'socket');
  return closingOnError(fd, () => {
    if (reuseAddr) allowAddressReuse(fd);
    if (address.family === AF_INET6) setIPv6Only(fd, ipv6Only);
    check(binding.socket_bind_inet(fd, address.sockaddr, port), 'bind', { address: host, port });
    return fd;
  });
}

function handleOf(socket: Socket): DatagramHandle | undefined {
  const key = Object.getOwnPropertySymbols(socket).find(({ description }) => description === 'state symbol');
  const { handle } = (key === undefined ? {} : Reflect.get(socket, key)) as {
    handle?: DatagramHandle | null;
  };
  return handle ?? undefined;
}

/** As for node:cluster; and a descriptor is somebody's already. */
function isExclusive(options: unknown): boolean {
  if (typeof options !== 'object' || options === null) return false;
  const { exclusive, fd } = options as BindOptions;
  return exclusive === true || typeof fd === 'number' || 'recvStart' in options;
}

/** Names are looked up by then, and errors come from here as from libuv. */
function bindShared(handle: DatagramHandle, share: ShareDatagrams): void {
  const bindOwn = handle.bind;
  handle.bind = (host, port, flags) => {
    const isOwn = port === 0 || (flags & UV_UDP_REUSEPORT) !== 0;
    const bind = {
      host,
      port,
      ipv6Only: (flags & UV_UDP_IPV6ONLY) !== 0,
      reuseAddr: (flags & UV_UDP_REUSEADDR) !== 0,
    };
    const place = isOwn ? undefined : placeFor(bind);
    const fd = place === undefined ? undefined : share(bind, place.index);
    if (fd === undefined || place === undefined) return bindOwn.call(handle, host, port, flags);
    return fd < 0 ? fd : open(handle, fd, place);
  };
}

interface Place {
  index: number;
  take(): void;
  leave(): void;
}

/** The first that is free: a socket that is closed may be bound again. */
function placeFor(bind: DatagramBind): Place {
  const key = addressOf(bind);
  const indices = bound.get(key) ?? new Set();
  let index = 0;
  while (indices.has(index)) index += 1;
  bound.set(key, indices);
  return { index, take: () => indices.add(index), leave: () => indices.delete(index) };
}

function open(handle: DatagramHandle, fd: number, place: Place): number {
  const result = handle.open(fd);
  if (result < 0) {
    closeSync(fd);
    return result;
  }
  place.take();
  const { close } = handle;
  handle.close = (...parameters) => {
    place.leave();
    return close.apply(handle, parameters);
  };
  for (const name of ['addMembership', 'addSourceSpecificMembership'] as const) joinOnce(handle, name);
  return 0;
}

/** A group that a sibling has joined with the same socket is joined. */
function joinOnce(handle: DatagramHandle, name: 'addMembership' | 'addSourceSpecificMembership'): void {
  const join = handle[name];
  handle[name] = (...parameters) => {
    const result = join.apply(handle, parameters);
    return result === -EADDRINUSE ? 0 : result;
  };
}
