/** One end of a connection between the manager and a process that it looks after: see native/posix/channel.h. */
import { constants } from 'node:os';
import { binding } from '../../base/binding';
import { check, systemError } from '../../base/errors';

/** Bytes; what a configuration file says is the longest. */
export const LONGEST_MESSAGE = 64 * 1024;
/** Descriptors with one message: more than the kernel's limit would fail. */
export const MOST_PASSED = 250;

const { EAGAIN, EMSGSIZE, EPIPE, ECONNRESET } = constants.errno;
const NONE = new Int32Array(0);

/** Where messages arrive, each of which is read at once: one for each process, which a fork copies. */
const arrived = Buffer.alloc(LONGEST_MESSAGE);

/** A received message; its reader owns a descriptor that came along. */
export type Received =
  | { is: 'message'; message: unknown; passed: number[] }
  | { is: 'nothing' | 'gone' | 'garbage' };

export class Channel {
  fd: number;

  constructor(fd: number) {
    this.fd = fd;
  }

  /** Two ends, of which one is for a process that is about to be forked. */
  static pair(): [Channel, Channel] {
    const ends = new Int32Array(2);
    check(binding.channel_open(ends), 'socketpair');
    return [new Channel(ends[0] as number), new Channel(ends[1] as number)];
  }

  /** False: the peer is too far behind, or has gone. Never blocks. */
  send(message: object, passed: readonly number[] = []): boolean {
    const text = Buffer.from(JSON.stringify(message));
    const result = binding.channel_send(this.fd, text, passed.length === 0 ? NONE : Int32Array.from(passed));
    if (result === 0) return true;
    if (result === -EAGAIN || result === -EPIPE || result === -ECONNRESET) return false;
    throw systemError(result, 'sendmsg');
  }

  /** The same; false also if the system has no memory, or no room for what is passed. */
  trySend(message: object, passed: readonly number[] = []): boolean {
    try {
      return this.send(message, passed);
    } catch {
      return false;
    }
  }

  /** The next message, if there is one. Without `mayPass` descriptors that a peer sends along are closed by the kernel. */
  receive(mayPass = false): Received {
    const passed = new Int32Array(mayPass ? MOST_PASSED + 1 : 1);
    const size = binding.channel_receive(this.fd, arrived, passed);
    if (size === -EAGAIN) return { is: 'nothing' };
    if (size === -EMSGSIZE) return { is: 'garbage' };
    if (size <= 0) return { is: 'gone' };
    const message = parse(arrived.toString('utf8', 0, size));
    if (message === undefined) return { is: 'garbage' };
    return { is: 'message', message, passed: [...passed.subarray(1, 1 + (passed[0] ?? 0))] };
  }

  /** Blocks this thread until there is something to receive. False: the time, in milliseconds, is over. */
  wait(milliseconds: number): boolean {
    return check(binding.channel_await(this.fd, milliseconds), 'poll') === 1;
  }

  close(): void {
    if (this.fd !== -1) binding.socket_close(this.fd);
    this.fd = -1;
  }
}

function parse(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
