/**
 * Messages, first in, first out, in a file that lives in memory; what of it counts is said in shared memory. Only within the
 * section of its owner.
 *
 * Invariant: a message is in the queue when the state says so, which is one store, after it was written; and out of it by
 * another, after it was read. Of the state there are two copies, one of which counts: whoever is killed while it writes
 * has written to the other.
 */
import { closeSync, ftruncateSync, readSync, writeSync } from 'node:fs';
import { binding } from '../base/binding';
import { check } from '../base/errors';

export interface MessageState {
  /** Where the first message begins, and where the next one will, in bytes. */
  head: number;
  tail: number;
  /** How many there are. */
  count: number;
  /** How many were put in and not reported as done. */
  unfinished: number;
  /** Up to here the memory was given back. */
  forgotten: number;
}

const WORDS = 8;
/** Before each message: its length. */
const HEADER = Float64Array.BYTES_PER_ELEMENT;
/** Up to this length header and message are written, and read, by one call: others wait for the section meanwhile. */
const JOINED = 8192;
/** Less than this is not worth a call. */
const WORTH_FORGETTING = 2 ** 20;

const collected = new FinalizationRegistry<number>((fd) => closeSync(fd));

/** Header and message, for a moment. */
const room = Buffer.allocUnsafeSlow(HEADER + JOINED);

function tooShort(): RangeError {
  return new RangeError('The file of a queue is shorter than its messages');
}

function writeAt(fd: number, bytes: Uint8Array, position: number): void {
  for (let at = 0; at < bytes.length; ) {
    at += writeSync(fd, bytes, at, bytes.length - at, position + at);
  }
}

/** From `begin` on what is to stand there. */
function readAt(fd: number, bytes: Uint8Array, position: number, begin = 0): void {
  for (let at = begin; at < bytes.length; ) {
    const got = readSync(fd, bytes, at, bytes.length - at, position + at);
    if (got === 0) throw tooShort();
    at += got;
  }
}

export class MessageFile {
  readonly #fd: number;
  readonly #copies: Float64Array;
  readonly #selector: Int32Array;
  readonly #at: number;

  /**
   * @param copies a page
   * @param selector where it is said which copy counts, at `at`
   */
  constructor(copies: Int32Array, selector: Int32Array, at: number) {
    this.#copies = new Float64Array(copies.buffer, copies.byteOffset, 2 * WORDS);
    this.#selector = selector;
    this.#at = at;
    this.#fd = check(binding.memory_file('prefork-queue', false), 'memfd_create');
    collected.register(this, this.#fd, this);
  }

  read(): MessageState {
    const from = (Atomics.load(this.#selector, this.#at) & 1) * WORDS;
    const word = (at: number) => this.#copies[from + at] ?? 0;
    return { head: word(0), tail: word(1), count: word(2), unfinished: word(3), forgotten: word(4) };
  }

  commit({ head, tail, count, unfinished, forgotten }: MessageState): void {
    const other = 1 - (Atomics.load(this.#selector, this.#at) & 1);
    this.#copies.set([head, tail, count, unfinished, forgotten], other * WORDS);
    Atomics.store(this.#selector, this.#at, other);
  }

  /** What is to be committed then. */
  append(bytes: Uint8Array): MessageState {
    const state = this.read();
    const joined = bytes.length <= JOINED ? bytes.length : 0;
    room.writeDoubleLE(bytes.length);
    room.set(bytes.subarray(0, joined), HEADER);
    writeAt(this.#fd, room.subarray(0, HEADER + joined), state.tail);
    if (joined < bytes.length) writeAt(this.#fd, bytes, state.tail + HEADER);
    return {
      ...state,
      tail: state.tail + HEADER + bytes.length,
      count: state.count + 1,
      unfinished: state.unfinished + 1,
    };
  }

  /** The first message, and what is to be committed then. */
  first(): [Buffer, MessageState] {
    const state = this.read();
    const got = readSync(this.#fd, room, 0, room.length, state.head);
    if (got < HEADER) throw tooShort();
    const size = room.readDoubleLE();
    const bytes = Buffer.allocUnsafe(size);
    const known = room.copy(bytes, 0, HEADER, Math.min(got, HEADER + size));
    readAt(this.#fd, bytes, state.head + HEADER, known);
    const { unfinished } = state;
    if (state.count === 1) return [bytes, { head: 0, tail: 0, count: 0, unfinished, forgotten: 0 }];
    return [bytes, { ...state, head: state.head + HEADER + size, count: state.count - 1 }];
  }

  /** After a commit: gives memory back that is worth it. */
  forget(lastTail: number): void {
    const state = this.read();
    if (state.count === 0) {
      if (lastTail >= WORTH_FORGETTING) ftruncateSync(this.#fd, 0);
    } else if (state.head - state.forgotten >= WORTH_FORGETTING) {
      check(binding.memory_file_forget(this.#fd, state.head), 'fallocate');
      this.commit({ ...state, forgotten: state.head });
    }
  }

  /** In this process. */
  close(): void {
    collected.unregister(this);
    closeSync(this.#fd);
  }
}
