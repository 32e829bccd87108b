/** Listening sockets as net.Server would bind them, but known to no event loop, so that forks share them. */
import { constants } from 'node:os';
import { binding, type ResolvedAddress } from '../../base/binding';
import { check, resolverError, systemError } from '../../base/errors';
import { ListeningSocket } from '../../netutil';
import { listenOnAddress } from '../../sockets/bind';
import { getaddrinfo } from '../../sockets/resolve';
import { type Access, UnixListeningSocket } from '../system/socket-file';

const { AF_UNSPEC, AI_PASSIVE, SOL_SOCKET, SO_ACCEPTCONN } = binding.socket_constants;
const { EINVAL } = constants.errno;

/** Node's default for net.Server; the kernel has a limit of its own (net.core.somaxconn). */
const BACKLOG = 511;

/** What a call of `listen` asks for. */
export type Wish =
  | { kind: 'tcp'; port: number; host: string | null; ipv6Only?: boolean; backlog?: number }
  | { kind: 'unix'; path: string; mode?: number; backlog?: number; access?: Access }
  | { kind: 'fd'; fd: number };

/** For people, and in the form that --bind takes. */
export function formatWish(wish: Wish): string {
  if (wish.kind === 'unix') return `unix:${wish.path}`;
  if (wish.kind === 'fd') return `fd:${wish.fd}`;
  return `${wish.host?.includes(':') ? `[${wish.host}]` : (wish.host ?? '')}:${wish.port}`;
}

/** One socket for all workers. */
export function bindShared(wish: Wish): ListeningSocket {
  if (wish.kind === 'tcp') return bindTcp(wish, false);
  if (wish.kind === 'unix') return bindUnix(wish);
  return takeOver(wish.fd);
}

/** One that others may bind too (SO_REUSEPORT): the kernel spreads the connections over all of them. */
export function bindOneOfMany(wish: Wish & { kind: 'tcp' }): ListeningSocket {
  return bindTcp(wish, true);
}

function resolveHost(host: string, port: number): ResolvedAddress[] {
  return getaddrinfo(host, port, AF_UNSPEC, AI_PASSIVE);
}

/** As net.Server: the first address of a host, and without a host both families, or else IPv4. */
function bindTcp(wish: Wish & { kind: 'tcp' }, reusePort: boolean): ListeningSocket {
  if (wish.host !== null && wish.host !== '') {
    const [first] = resolveHost(wish.host, wish.port);
    if (first === undefined) throw resolverError('EAI_NONAME', wish.host);
    return bindAddress(first, wish, reusePort);
  }
  const [any6] = resolveHost('::', wish.port);
  const [any4] = resolveHost('0.0.0.0', wish.port);
  try {
    if (any6 !== undefined) return bindAddress(any6, wish, reusePort);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'EADDRINUSE' || any4 === undefined) throw error;
  }
  return bindAddress(any4 as ResolvedAddress, wish, reusePort);
}

/** As net.Server's own: a socket of IPv6 takes IPv4, too, and an error names listen(), not bind(). */
function bindAddress(
  address: ResolvedAddress,
  { port, ipv6Only = false, backlog = BACKLOG }: Wish & { kind: 'tcp' },
  reusePort: boolean,
): ListeningSocket {
  return listenOnAddress(address, { port, backlog, reusePort, ipv6Only, bindSyscall: 'listen' });
}

function bindUnix({ path, mode, backlog = BACKLOG, access }: Wish & { kind: 'unix' }): ListeningSocket {
  const asNode = { mode: mode ?? 0o777 & ~process.umask(), uid: null, gid: null };
  return new UnixListeningSocket(path, access ?? asNode, backlog);
}

function takeOver(fd: number): ListeningSocket {
  const socket = new ListeningSocket(fd);
  const listens = check(binding.socket_getsockopt(fd, SOL_SOCKET, SO_ACCEPTCONN), 'getsockopt');
  if (listens !== 1) {
    const result = binding.socket_listen(fd, BACKLOG);
    if (result === -EINVAL) throw systemError(result, 'listen', { address: `fd ${fd}` });
    check(result, 'listen');
  }
  return socket;
}
