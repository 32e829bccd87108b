/** Messages in a pipe: length, then content. One end sends at once, the other hears of them on its event loop. */
import { readSync } from 'node:fs';
import { Socket } from 'node:net';
import { writeAll } from '../base/blocking-write';

const HEADER = 4;
const AT_ONCE = 65_536;

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

/** Sends, and waits for nobody. What nobody takes any more is lost. */
export class Outbox {
  readonly #socket: Socket;

  constructor(fd: number) {
    this.#socket = new Socket({ fd, readable: false, writable: true }).on('error', () => {});
  }

  send(content: Buffer): void {
    this.#socket.write(framed(content));
  }

  close(): void {
    this.#socket.destroy();
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

/** Hears of each message, in its order, on the event loop. */
export class Inbox {
  readonly #fd: number;
  readonly #socket: Socket;
  readonly #parts = new Parts();
  readonly #heard: (content: Buffer) => void;

  constructor(fd: number, heard: (content: Buffer) => void) {
    this.#fd = fd;
    this.#heard = heard;
    this.#socket = new Socket({ fd, readable: true, writable: false });
    this.#socket.on('error', () => {}).on('data', (part) => this.#take(part));
  }

  /** Whether the loop goes on for the sake of what may come. */
  keepAlive(isKept: boolean): void {
    if (isKept) this.#socket.ref();
    else this.#socket.unref();
  }

  /** Of a sender that has ended: hears of what it has sent, and the loop has not seen yet. */
  drain(): void {
    const part = Buffer.alloc(AT_ONCE);
    for (;;) {
      const size = this.#readNow(part);
      if (size === 0) return;
      this.#take(Buffer.from(part.subarray(0, size)));
    }
  }

  close(): void {
    this.#socket.destroy();
  }

  #take(part: Buffer): void {
    for (const content of this.#parts.add(part)) this.#heard(content);
  }

  /** 0 where there is nothing, or nobody who could send more. */
  #readNow(part: Buffer): number {
    try {
      return this.#socket.destroyed ? 0 : readSync(this.#fd, part);
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code === 'EAGAIN') return 0;
      throw error;
    }
  }
}
