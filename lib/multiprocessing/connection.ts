import { closeSync } from 'node:fs';
import { constants } from 'node:os';
import { deserialize, serialize } from 'node:v8';
import { boolean } from '../base/arguments';
import { binding } from '../base/binding';
import { check, invalidType, preforkError, systemError } from '../base/errors';
import { EOFError, invalidState } from './errors';
import { OwnList, readableOf, timeLimit, whenReady } from './news';

const { EAGAIN, ECONNRESET, EPIPE } = constants.errno;
/** Before each message, as Python has it: its length in big endian; or -1, and its length in eight bytes. */
const HEADER = 4;
const LONG_HEADER = 8;
const LONGEST_SHORT = 0x7fffffff;
/** Up to this length header and message are sent by one call. */
const JOINED = 65536;

const noDescriptors = new Int32Array(0);
const received = new Int32Array(2);

const collected = new FinalizationRegistry<number>((fd) => closeSync(fd));

function framed(bytes: Uint8Array): Uint8Array[] {
  const isLong = bytes.length > LONGEST_SHORT;
  const header = Buffer.alloc(isLong ? HEADER + LONG_HEADER : HEADER);
  header.writeInt32BE(isLong ? -1 : bytes.length);
  if (isLong) header.writeBigUInt64BE(BigInt(bytes.length), HEADER);
  return bytes.length > JOINED ? [header, bytes] : [Buffer.concat([header, bytes])];
}

/** Messages go out, and come in, one after the other, whatever becomes of each. */
class Turns {
  #last: Promise<unknown> = Promise.resolve();
  #count = 0;

  /** At once, if it is nobody else's turn. */
  take<T>(work: () => Promise<T>): Promise<T> {
    const turn = this.#count++ === 0 ? work() : this.#last.then(work);
    const done = turn.finally(() => {
      this.#count--;
    });
    this.#last = done.catch(() => {});
    return done;
  }
}

/** A parent's turns are not the child's. */
function turnsOf(own: OwnList<Turns>): Turns {
  own.items[0] ??= new Turns();
  return own.items[0];
}

/** One end of a pipe. Each process that has it has the same one, and closes it for itself. */
export class Connection {
  #fd: number;
  readonly #isReadable: boolean;
  readonly #isWritable: boolean;
  readonly #sending = new OwnList<Turns>();
  readonly #receiving = new OwnList<Turns>();
  /** What is to stop when this is closed: in a child nothing that its parent waits for. */
  readonly #interrupts = new OwnList<() => void>();

  /** @internal */
  constructor(fd: number, isReadable: boolean, isWritable: boolean) {
    this.#fd = fd;
    this.#isReadable = isReadable;
    this.#isWritable = isWritable;
    collected.register(this, fd, this);
  }

  /** Whether it was closed, in this process. */
  get closed(): boolean {
    return this.#fd < 0;
  }

  /** Whether messages can be received here. */
  get readable(): boolean {
    return this.#isReadable;
  }

  /** Whether messages can be sent here. */
  get writable(): boolean {
    return this.#isWritable;
  }

  /**
   * Its descriptor.
   * @throws Error `ERR_PREFORK_INVALID_STATE` if it is closed
   */
  fileno(): number {
    if (this.#fd < 0) throw invalidState('handle is closed');
    return this.#fd;
  }

  #reader(): number {
    const fd = this.fileno();
    if (!this.#isReadable) throw invalidState('connection is write-only');
    return fd;
  }

  #writer(): number {
    const fd = this.fileno();
    if (!this.#isWritable) throw invalidState('connection is read-only');
    return fd;
  }

  #ready(forWriting: boolean): Promise<void> {
    return new Promise((resolve, reject) => {
      const { items } = this.#interrupts;
      const stop = whenReady(this.fileno(), forWriting, () => {
        items.splice(items.indexOf(interrupt), 1);
        resolve();
      });
      const interrupt = () => {
        stop();
        reject(invalidState('handle is closed'));
      };
      items.push(interrupt);
    });
  }

  /**
   * Sends a copy of `value`, as by `v8.serialize()`. Resolves when all of it has been handed to the kernel, which has room for
   * some 200 KB: whoever awaits it is as fast as the reader. Several sends go one after the other.
   *
   * @throws SystemError `EPIPE` if nobody has the other end any more
   * @throws Error `ERR_PREFORK_INVALID_STATE` if it is closed or can only be read; `DataCloneError`; all as rejections
   */
  async send(value: unknown): Promise<void> {
    this.#writer();
    await this.#send(serialize(value));
  }

  /** The same for bytes. The other end gets them by `recvBytes()`. */
  async sendBytes(bytes: Uint8Array): Promise<void> {
    if (!(bytes instanceof Uint8Array)) throw invalidType('bytes', 'a Uint8Array', bytes);
    this.#writer();
    await this.#send(bytes);
  }

  #send(bytes: Uint8Array): Promise<void> {
    return turnsOf(this.#sending).take(async () => {
      for (const part of framed(bytes)) await this.#write(part);
    });
  }

  async #write(bytes: Uint8Array): Promise<void> {
    for (let rest = bytes; rest.length > 0; ) {
      const sent = binding.fds_send(this.#writer(), rest, noDescriptors, 0);
      if (sent === -EAGAIN) await this.#ready(true);
      // Of a socket whose reader has not read all.
      else if (sent === -ECONNRESET) throw systemError(-EPIPE, 'sendmsg');
      else rest = rest.subarray(check(sent, 'sendmsg'));
    }
  }

  /**
   * Receives the next message. The event loop goes on meanwhile, and is kept alive. One process reads an end at a time: two
   * would get parts of each other's messages, as in Python.
   *
   * @throws EOFError if nobody has the other end any more, in any process, and all has been received
   * @throws Error `ERR_PREFORK_INVALID_STATE` if it is closed, also meanwhile, or can only be written to;
   *   `ERR_PREFORK_EOF` if the sender ended in the middle of a message; SystemError `ECONNRESET`; all as rejections
   */
  async recv(): Promise<unknown> {
    return deserialize(await this.recvBytes());
  }

  /** The same for bytes. */
  async recvBytes(): Promise<Buffer> {
    this.#reader();
    return turnsOf(this.#receiving).take(async () => {
      let size = (await this.#read(HEADER, true)).readInt32BE();
      if (size < 0) size = Number((await this.#read(LONG_HEADER)).readBigUInt64BE());
      return this.#read(size);
    });
  }

  async #read(size: number, isStart = false): Promise<Buffer> {
    const bytes = Buffer.allocUnsafe(size);
    for (let at = 0; at < size; ) {
      const got = binding.fds_receive(this.#reader(), bytes.subarray(at), noDescriptors, 0, received);
      if (got === -EAGAIN) await this.#ready(false);
      else if (got === 0 && at === 0 && isStart) throw new EOFError();
      else if (got === 0) throw preforkError('ERR_PREFORK_EOF', 'got end of file during message');
      else at += check(got, 'recvmsg');
    }
    return bytes;
  }

  /**
   * Whether there is something to receive, or will be in time; the end counts, too.
   *
   * @param timeout seconds; 0 by default; null: no limit
   * @throws Error `ERR_PREFORK_INVALID_STATE` if it is closed, also meanwhile; TypeError `ERR_PREFORK_INVALID_ARG_TYPE`; all as rejections
   */
  async poll(timeout: number | null = 0): Promise<boolean> {
    const found = await readableOf([this.#reader()], timeLimit(timeout), this.#interrupts.items);
    this.#reader(); // it may have been closed meanwhile
    return found.length > 0;
  }

  /** Closes it in this process. The other end sees the end of it when all processes have; whoever waits here is told. */
  close(): void {
    if (this.#fd < 0) return;
    const interrupts = this.#interrupts.items.splice(0);
    collected.unregister(this);
    closeSync(this.#fd);
    this.#fd = -1;
    for (const interrupt of interrupts) interrupt();
  }
}

/**
 * Two ends of a pipe: what is sent into one comes out of the other. A child that is forked later has both; as in Python each
 * process closes what it does not use, or the other end never sees that a process has ended.
 *
 * @param duplex false: the first can only receive, the second only send
 * @throws SystemError `EMFILE`, `ENFILE`
 * @throws TypeError `ERR_PREFORK_INVALID_ARG_TYPE`
 */
export function Pipe(duplex = true): [Connection, Connection] {
  const isDuplex = boolean('duplex', duplex);
  const ends = new Int32Array(2);
  check(binding.process_socketpair(ends), 'socketpair');
  const [one = -1, other = -1] = ends;
  return [new Connection(one, true, isDuplex), new Connection(other, isDuplex, true)];
}
