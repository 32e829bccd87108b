/**
 * What workers say to one another: each writes to a ring of its own, in a file in memory that all processes of a service have open, and
 * reads those of all others. Nobody waits for a reader: who is too far behind has lost what was written over, and knows how much.
 *
 * Invariant: bytes are written over only after the header says so (`reserved`), and count only after it does (`end`). So a reader who
 * finds after reading that nothing of it was reserved has read what was written.
 */
import { readSync, writeSync } from 'node:fs';
import { binding } from '../base/binding';
import { check } from '../base/errors';
import { onePerProcess } from '../base/one-per-process';
import { Row } from './scoreboard';

/** Bytes that a reader may be behind. */
export const RING_BYTES = 4 * 1024 * 1024;
export const LONGEST_RECORD = 1024 * 1024;

/** Copied by each fork. -1: no manager runs. */
const file = onePerProcess('rings', () => ({ fd: -1 }));

/** For the manager, before it forks anything. `fd`: an earlier program of this process has made it. */
export function openRings(
  fd = check(binding.memory_file('prefork-broadcast', false), 'memfd_create'),
): number {
  file.fd = fd;
  return fd;
}

interface Header {
  /** Of all bytes that were ever written: up to where they may be written over, and where the last record ends. */
  reserved: number;
  end: number;
  /** Records that were ever written. */
  count: number;
}

/** Numbers: how often the header was written, `reserved`, `end`, `count`, and how often again. */
const NUMBERS = 8;
const HEADER_BYTES = NUMBERS * Float64Array.BYTES_PER_ELEMENT;
/** Before each record: its length. */
const LENGTH_BYTES = 4;
/** A writer would have to write each time between two halves of a read. */
const PATIENCE = 10;
const NOTHING: Header = { reserved: 0, end: 0, count: 0 };

/** The worker of a line of the scoreboard writes there, and nobody else. It goes on where the one before it has stopped. */
export class RingWriter {
  readonly #row: Row;
  #header: Header;
  #times: number;

  constructor(row: Row) {
    this.#row = row;
    const numbers = headersUpTo(row.index + 1).subarray(row.index * NUMBERS);
    this.#header = headerIn(numbers) ?? NOTHING;
    this.#times = numbers[0] ?? 0;
  }

  write(record: Uint8Array): void {
    const { end, count } = this.#header;
    const next = end + LENGTH_BYTES + record.length;
    // More, if the worker before this one was killed while it wrote.
    const reserved = Math.max(next, this.#header.reserved);
    this.#writeHeader({ reserved, end, count });
    const length = new Uint8Array(Uint32Array.of(record.length).buffer);
    this.#writeBytes(length, end);
    this.#writeBytes(record, end + LENGTH_BYTES);
    this.#writeHeader({ reserved, end: next, count: count + 1 });
  }

  #writeHeader(header: Header): void {
    this.#times += 1;
    const { reserved, end, count } = header;
    const numbers = Float64Array.of(this.#times, reserved, end, count, this.#times);
    writeAt(new Uint8Array(numbers.buffer), this.#row.index * HEADER_BYTES);
    this.#header = header;
  }

  #writeBytes(bytes: Uint8Array, position: number): void {
    const at = position % RING_BYTES;
    const first = bytes.subarray(0, RING_BYTES - at);
    writeAt(first, ringAt(this.#row.index) + at);
    if (first.length < bytes.length) writeAt(bytes.subarray(first.length), ringAt(this.#row.index));
  }
}

/** What has come from one worker. */
export interface News {
  records: Uint8Array[];
  /** How many came before these and were written over. */
  lost: number;
}

/** All that others write from now on. */
export class RingReader {
  readonly #own: Row;
  readonly #seen: Header[];

  /** @param count of the lines in which anybody may have written by now: of each the header is looked at */
  constructor(own: Row, count: number) {
    this.#own = own;
    const headers = headersUpTo(count);
    this.#seen = Array.from({ length: count }, (_, index) => headerAt(headers, index) ?? NOTHING);
  }

  /** @param count of the lines in which anybody may have written; there may be more of them than before */
  *read(count: number): Generator<News> {
    const headers = headersUpTo(count);
    for (let index = 0; index < count; index++) {
      const seen = this.#seen[index] ?? NOTHING;
      if (index === this.#own.index || headers[index * NUMBERS + 2] === seen.end) continue;
      const header = headerAt(headers, index);
      if (header !== undefined) yield this.#readFrom(index, seen, header);
    }
  }

  #readFrom(index: number, seen: Header, header: Header): News {
    const unread = header.end - seen.end;
    const bytes = unread > 0 && unread <= RING_BYTES ? readRing(index, seen.end, unread) : undefined;
    const after = headerAt(headersUpTo(index + 1), index) ?? header;
    const records = after.reserved - seen.end > RING_BYTES ? undefined : recordsIn(bytes);
    const now = records === undefined ? after : header;
    this.#seen[index] = now;
    const came = records?.length ?? 0;
    return { records: records ?? [], lost: Math.max(0, now.count - seen.count - came) };
  }
}

/** undefined: they are not what a worker writes. */
function recordsIn(bytes: Buffer | undefined): Uint8Array[] | undefined {
  if (bytes === undefined) return undefined;
  const records: Uint8Array[] = [];
  for (let at = 0; at < bytes.length; ) {
    if (at + LENGTH_BYTES > bytes.length) return undefined;
    const begin = at + LENGTH_BYTES;
    at = begin + bytes.readUInt32LE(at);
    if (at > bytes.length) return undefined;
    records.push(bytes.subarray(begin, at));
  }
  return records;
}

function readRing(index: number, position: number, length: number): Buffer {
  const bytes = Buffer.alloc(length);
  const at = position % RING_BYTES;
  const first = Math.min(length, RING_BYTES - at);
  readSync(file.fd, bytes, 0, first, ringAt(index) + at);
  if (first < length) readSync(file.fd, bytes, first, length - first, ringAt(index));
  return bytes;
}

function headersUpTo(count: number): Float64Array {
  const headers = new Float64Array(count * NUMBERS);
  if (file.fd !== -1) readSync(file.fd, headers, 0, headers.byteLength, 0);
  return headers;
}

/** It may be written to while it is read. */
function headerAt(headers: Float64Array, index: number): Header | undefined {
  let numbers = headers.subarray(index * NUMBERS, (index + 1) * NUMBERS);
  for (let left = PATIENCE; left > 0; left--) {
    if (numbers[0] === numbers[4]) return headerIn(numbers);
    numbers = new Float64Array(NUMBERS);
    readSync(file.fd, numbers, 0, HEADER_BYTES, index * HEADER_BYTES);
  }
  return undefined;
}

/** undefined: it is none. */
function headerIn([, reserved = 0, end = 0, count = 0]: Float64Array): Header | undefined {
  const isRight = [reserved, end, count].every((each) => Number.isSafeInteger(each) && each >= 0);
  return isRight && end <= reserved ? { reserved, end, count } : undefined;
}

function ringAt(index: number): number {
  return Row.count * HEADER_BYTES + index * RING_BYTES;
}

function writeAt(bytes: Uint8Array, position: number): void {
  for (let at = 0; at < bytes.length; ) at += writeSync(file.fd, bytes, at, bytes.length - at, position + at);
}
