/** Listening sockets as net.Server would bind them, but known to no event loop, so that forks share them. */
import { type AddressInfo, isIP } from 'node:net';
import { constants } from 'node:os';
import { binding, type ResolvedAddress } from '../../base/binding';
import { check, resolverError, systemError } from '../../base/errors';
import { listenOnAddress } from '../../sockets/bind';
import { ListeningSocket } from '../../sockets/listening-socket';
import { getaddrinfo } from '../../sockets/resolve';
import type { Bind } from '../settings';
import type { BindWithAccess } from '../system/socket-access';
import { UnixListeningSocket } from '../system/socket-file';

const { AF_UNSPEC, AI_PASSIVE, SOL_SOCKET, SO_ACCEPTCONN } = binding.socket_constants;
const { EINVAL } = constants.errno;

/** Node's default for net.Server; the kernel has a limit of its own (net.core.somaxconn). */
const BACKLOG = 511;

/** For people, and in the form that --bind takes. */
export function formatBind(bind: Bind): string {
  if (bind.kind === 'unix') return `unix:${bind.path}`;
  if (bind.kind === 'fd') return `fd:${bind.fd}`;
  return `${bind.host?.includes(':') ? `[${bind.host}]` : (bind.host ?? '')}:${bind.port}`;
}

/**
 * The same with an address in place of a name. Looking a name up may take long: the process that asks for it does that.
 *
 * @throws ResolverError
 */
export function withoutName(bind: Bind): Bind {
  if (bind.kind !== 'tcp' || bind.host === null || isIP(bind.host) !== 0) return bind;
  const [first] = resolveHost(bind.host, bind.port);
  return first === undefined ? bind : { ...bind, host: first.address };
}

/** One socket for all workers. */
export function bindShared(bind: BindWithAccess): ListeningSocket {
  if (bind.kind === 'tcp') return bindTcp(bind, false);
  if (bind.kind === 'unix') return bindUnix(bind);
  return takeOver(bind.fd);
}

/** The address that a server would get, or why it would get none. */
export function tryToBind(bind: Bind & { kind: 'tcp' }): AddressInfo | Error {
  try {
    const socket = bindTcp(bind, false);
    socket.close();
    return socket.address() as AddressInfo;
  } catch (error) {
    return error as Error;
  }
}

/** One that others may bind too (SO_REUSEPORT): the kernel spreads the connections over all of them. */
export function bindOneOfMany(bind: Bind & { kind: 'tcp' }): ListeningSocket {
  return bindTcp(bind, true);
}

function resolveHost(host: string, port: number): ResolvedAddress[] {
  return getaddrinfo(host, port, AF_UNSPEC, AI_PASSIVE);
}

/** As net.Server: the first address of a host, and without a host both families, or else IPv4. */
function bindTcp(bind: Bind & { kind: 'tcp' }, reusePort: boolean): ListeningSocket {
  if (bind.host !== null && bind.host !== '') {
    const [first] = resolveHost(bind.host, bind.port);
    if (first === undefined) throw resolverError('EAI_NONAME', bind.host);
    return bindAddress(first, bind, reusePort);
  }
  const [any6] = resolveHost('::', bind.port);
  const [any4] = resolveHost('0.0.0.0', bind.port);
  try {
    if (any6 !== undefined) return bindAddress(any6, bind, reusePort);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'EADDRINUSE' || any4 === undefined) throw error;
  }
  return bindAddress(any4 as ResolvedAddress, bind, reusePort);
}

/** As net.Server's own: a socket of IPv6 takes IPv4, too, and an error names listen(), not bind(). */
function bindAddress(
  address: ResolvedAddress,
  { port, ipv6Only = false, backlog = BACKLOG }: Bind & { kind: 'tcp' },
  reusePort: boolean,
): ListeningSocket {
  return listenOnAddress(address, { port, backlog, reusePort, ipv6Only, bindSyscall: 'listen' });
}

function bindUnix({
  path,
  mode,
  backlog = BACKLOG,
  access,
}: BindWithAccess & { kind: 'unix' }): ListeningSocket {
  const asNode = { mode: mode ?? 0o777 & ~process.umask(), uid: null, gid: null };
  return UnixListeningSocket.listen(path, access ?? asNode, backlog);
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
