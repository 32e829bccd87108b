/**
 * Messages in a stream socket: length, then content. One end sends at once, the other hears of them on its event loop.
 *
 * By natives that never block, and not by node:net, of which the first Socket takes a process more than a millisecond.
 */
import { closeSync } from 'node:fs';
import { constants } from 'node:os';
import { binding, type NativeReadiness } from '../base/binding';
import { writeAll } from '../base/blocking-write';
import { systemError } from '../base/errors';

const { EAGAIN, ENOBUFS, ENOMEM } = constants.errno;
const HEADER = 4;
const AT_ONCE = 65_536;
/** So often at a turn of the loop, which has others to serve. */
const TIMES = 32;

const NO_DESCRIPTORS = new Int32Array(0);

function framed(content: Buffer): Buffer {
  const message = Buffer.allocUnsafe(HEADER + content.length);
  message.writeUInt32LE(content.length);
  content.copy(message, HEADER);
  return message;
}

/** Sends, and waits until there is room for all of it. */
export function sendAtOnce(fd: number, content: Buffer): void {
  writeAll(fd, framed(content));
}

/** Nothing can go through now, or the kernel has no memory for it: no message is lost, and the next turn of the loop tries again. */
function isForLater(result: number): boolean {
  return result === -EAGAIN || result === -ENOBUFS || result === -ENOMEM;
}

/** The loop's eye on a descriptor. A child of fork() has a copy, which sees nothing. */
class Eye {
  readonly #owner = binding.process_getpid();
  #readiness: NativeReadiness | undefined;

  /** @throws SystemError `ENOMEM`, `EMFILE` */
  constructor(fd: number, forWriting: boolean, seen: () => void) {
    const started = binding.readiness_start(fd, forWriting, () => {
      if (binding.process_getpid() === this.#owner) seen();
      else this.close();
    });
    if (typeof started === 'number') throw systemError(started, 'epoll_ctl');
    this.#readiness = started;
  }

  keepAlive(isKept: boolean): void {
    if (this.#readiness !== undefined) binding.readiness_keep_alive(this.#readiness, isKept);
  }

  close(): void {
    if (this.#readiness !== undefined) binding.readiness_stop(this.#readiness);
    this.#readiness = undefined;
  }
}

/** Sends, and waits for nobody. What nobody takes any more is lost. */
export class Outbox {
  readonly #fd: number;
  #unsent: Buffer[] = [];
  #room: Eye | undefined;
  #isClosed = false;

  constructor(fd: number) {
    this.#fd = fd;
  }

  send(content: Buffer): void {
    if (this.#isClosed) return;
    this.#unsent.push(framed(content));
    if (this.#room === undefined) this.#sendAll();
  }

  close(): void {
    if (this.#isClosed) return;
    this.#isClosed = true;
    this.#rest();
    closeSync(this.#fd);
  }

  #sendAll(): void {
    for (let message = this.#unsent[0]; message !== undefined; message = this.#unsent[0]) {
      const sent = binding.fds_send(this.#fd, message, NO_DESCRIPTORS, 0);
      if (isForLater(sent)) {
        this.#room ??= new Eye(this.#fd, true, () => this.#sendAll());
        return;
      }
      if (sent < 0) break;
      if (sent < message.length) this.#unsent[0] = message.subarray(sent);
      else this.#unsent.shift();
    }
    this.#rest();
  }

  /** Nothing is to be sent, or nobody takes it. */
  #rest(): void {
    this.#unsent = [];
    this.#room?.close();
    this.#room = undefined;
  }
}

/** Parts of messages as they come, made whole again. */
class Parts {
  #parts: Buffer[] = [];
  #size = 0;
  #needed = HEADER;

  add(part: Buffer): Buffer[] {
    this.#parts.push(part);
    this.#size += part.length;
    return this.#size < this.#needed ? [] : this.#takeWhole();
  }

  #takeWhole(): Buffer[] {
    const all = this.#parts.length === 1 ? (this.#parts[0] as Buffer) : Buffer.concat(this.#parts);
    const messages: Buffer[] = [];
    let at = 0;
    this.#needed = HEADER;
    while (all.length - at >= HEADER) {
      const size = HEADER + all.readUInt32LE(at);
      if (all.length - at < size) {
        this.#needed = size;
        break;
      }
      messages.push(all.subarray(at + HEADER, at + size));
      at += size;
    }
    this.#parts = at < all.length ? [all.subarray(at)] : [];
    this.#size = all.length - at;
    return messages;
  }
}

const room = Buffer.allocUnsafeSlow(AT_ONCE);
const received = new Int32Array(2);

/** Hears of each message, in its order, on the event loop. */
export class Inbox {
  readonly #fd: number;
  readonly #eye: Eye;
  readonly #parts = new Parts();
  readonly #heard: (content: Buffer) => void;
  #isClosed = false;

  constructor(fd: number, heard: (content: Buffer) => void) {
    this.#fd = fd;
    this.#heard = heard;
    this.#eye = new Eye(fd, false, () => this.#receiveSome());
  }

  /** Whether the loop goes on for the sake of what may come. */
  keepAlive(isKept: boolean): void {
    this.#eye.keepAlive(isKept);
  }

  /** Of a sender that has ended: hears of what it has sent, and the loop has not seen yet. */
  drain(): void {
    while (this.#receive() > 0);
  }

  close(): void {
    if (this.#isClosed) return;
    this.#isClosed = true;
    this.#eye.close();
    closeSync(this.#fd);
  }

  /** How many bytes; 0: there is nothing now, or nobody can send any more. */
  #receive(): number {
    if (this.#isClosed) return 0;
    const size = binding.fds_receive(this.#fd, room, NO_DESCRIPTORS, 0, received);
    if (size <= 0) {
      if (!isForLater(size)) this.#eye.close();
      return 0;
    }
    // What is heard may keep a part of it.
    for (const content of this.#parts.add(Buffer.from(room.subarray(0, size)))) this.#heard(content);
    return size;
  }

  #receiveSome(): void {
    for (let i = 0; i < TIMES && this.#receive() === AT_ONCE; i++);
  }
}
