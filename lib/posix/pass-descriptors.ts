import { constants } from 'node:os';
import { int, integer } from '../base/arguments';
import { binding } from '../base/binding';
import { check, invalidType } from '../base/errors';
import { blockUntil } from '../wait/block';

/** In the flags that `recvFds` returns: descriptors were lost for want of room. (recv(2)) */
export const MSG_CTRUNC = 0x08;
/** For `sendFds` and `recvFds`: do not wait. (recv(2)) */
export const MSG_DONTWAIT = 0x40;

const MAX_INT = 0x7fffffff;
const MAX_MESSAGE = 2 ** 30;
/** SCM_MAX_FD of Linux. */
const MAX_DESCRIPTORS = 253;

/** A descriptor, or an object that has one: a `ListeningSocket` or a `net.Socket`. */
export type Descriptor =
  | number
  | {
      /** Its number. */
      readonly fd: number;
    };

function descriptorOf(name: string, value: unknown): number {
  if (typeof value === 'number') return int(name, value);
  const holder = value as { fd?: unknown; _handle?: { fd?: unknown } | null } | null | undefined;
  // A net.Socket has it in its handle, where it is -1 once that is closed.
  const fd = holder?.fd ?? holder?._handle?.fd;
  if (typeof fd === 'number' && fd >= 0) return fd;
  throw invalidType(name, 'a descriptor', value);
}

/** One read or write. A blocking descriptor waits until it is possible, and signal listeners run meanwhile. */
function whenPossible(
  syscall: string,
  fd: number,
  flags: number,
  forWriting: boolean,
  attempt: () => number,
): number {
  const first = attempt();
  const waits =
    first === -constants.errno.EAGAIN &&
    (flags & MSG_DONTWAIT) === 0 &&
    check(binding.fds_blocking(fd), syscall) === 1;
  if (!waits) return check(first, syscall);
  return blockUntil(
    syscall,
    () => {
      const result = attempt();
      return result === -constants.errno.EAGAIN ? undefined : check(result, syscall);
    },
    { fd, forWriting },
  );
}

function joined(buffers: unknown): Buffer {
  if (typeof buffers !== 'object' || buffers === null || !(Symbol.iterator in buffers)) {
    throw invalidType('buffers', 'a list of buffers', buffers);
  }
  const parts = [...(buffers as Iterable<unknown>)];
  for (const each of parts) {
    if (!(each instanceof Uint8Array)) throw invalidType('each of buffers', 'a Buffer or Uint8Array', each);
  }
  return Buffer.concat(parts as Uint8Array[]);
}

/**
 * Sends bytes, and with them descriptors, over a Unix socket. The receiver gets descriptors of its own for the same open
 * files; those here stay open.
 *
 * Waits if the socket is a blocking one, as those of `socketpair()` are, and signal listeners run meanwhile.
 *
 * Source: sendmsg(2), unix(7) (SCM_RIGHTS), Python's `socket.send_fds`.
 * @param socket the descriptor of a Unix socket
 * @param buffers what is sent, one after the other: at least one byte, or a stream passes no descriptor
 * @param fds at most 253
 * @param flags of send(2)
 * @returns how many bytes were sent
 * @throws SystemError `EBADF` if a descriptor is not open, `EPIPE`, `EAGAIN`, `EINVAL`, `ENOTSOCK`
 * @throws TypeError `ERR_PREFORK_INVALID_ARG_TYPE`, RangeError `ERR_PREFORK_OUT_OF_RANGE`
 */
export function sendFds(
  socket: Descriptor,
  buffers: Iterable<Uint8Array>,
  fds: Iterable<Descriptor>,
  flags = 0,
): number {
  const fd = descriptorOf('socket', socket);
  const bytes = joined(buffers);
  if (typeof fds !== 'object' || fds === null || !(Symbol.iterator in fds))
    throw invalidType('fds', 'a list of descriptors', fds);
  const list = Int32Array.from(Array.from(fds, (each) => descriptorOf('each of fds', each)));
  int('flags', flags);
  return whenPossible('sendmsg', fd, flags, true, () => binding.fds_send(fd, bytes, list, flags));
}

/**
 * Receives bytes, and descriptors that came with them. The descriptors are close-on-exec (in Python they are not) and belong
 * to this process: close them with `fs.closeSync`, or give them to `new net.Socket({ fd })`.
 *
 * Waits if the socket is a blocking one, and signal listeners run meanwhile.
 *
 * Source: recvmsg(2), unix(7) (SCM_RIGHTS), Python's `socket.recv_fds`.
 * @param socket the descriptor of a Unix socket
 * @param bufsize the most bytes to receive
 * @param maxfds the most descriptors; no message has more than 253. The kernel closes those for which there is no room
 * @param flags of recv(2)
 * @returns the bytes (none: the other end is closed), the descriptors, and recvmsg's flags: `MSG_CTRUNC` if some were lost
 * @throws SystemError `EAGAIN`, `ECONNRESET`, `EBADF`, `ENOTSOCK`
 * @throws TypeError `ERR_PREFORK_INVALID_ARG_TYPE`, RangeError `ERR_PREFORK_OUT_OF_RANGE`
 */
export function recvFds(
  socket: Descriptor,
  bufsize: number,
  maxfds: number,
  flags = 0,
): [message: Buffer, fds: number[], flags: number] {
  const fd = descriptorOf('socket', socket);
  const bytes = Buffer.alloc(integer('bufsize', bufsize, 0, MAX_MESSAGE));
  const room = new Int32Array(Math.min(integer('maxfds', maxfds, 0, MAX_INT), MAX_DESCRIPTORS));
  int('flags', flags);
  const counts = new Int32Array(2);
  const size = whenPossible('recvmsg', fd, flags, false, () =>
    binding.fds_receive(fd, bytes, room, flags, counts),
  );
  const [count = 0, answered = 0] = counts;
  return [bytes.subarray(0, size), [...room.subarray(0, count)], answered];
}
