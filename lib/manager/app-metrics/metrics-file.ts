/**
 * Where each worker leaves the application's metrics for the others: a file in memory, which all processes of a service have open. A
 * line of the scoreboard has a place in it, which belongs to the worker that has the line. What a worker has left there when it ends
 * stays, until the next one takes it over.
 *
 * Invariant: a place has two halves, of which its header says which one counts. What is new is written to the other half first, then
 * to the header. So who is killed in between has left what was there before.
 */
import { readSync, writeSync } from 'node:fs';
import { binding } from '../../base/binding';
import { check, preforkError } from '../../base/errors';
import { onePerProcess } from '../../base/one-per-process';
import { Row } from '../scoreboard';
import { checkedFamilies, type Families } from './families';

/** What stands in a place. */
export interface Publication {
  /** Of the worker that has written it. */
  pid: number;
  /** The last question that it answers. */
  round: number;
  own: Families;
  /** Of those that had the place before. */
  gone: Families;
}

/** A header: which worker, the last question that it answers, how often the place was written to, bytes, how often again. */
type Header = [pid: number, round: number, times: number, bytes: number, again: number];
const HEADER_NUMBERS = 8;
const HEADER_BYTES = HEADER_NUMBERS * Float64Array.BYTES_PER_ELEMENT;
/** Bytes of a half: some thirty thousand series. */
export const LONGEST_PUBLICATION = 4 * 1024 * 1024;
/** A writer would have to finish twice while one reads. */
const PATIENCE = 10;

/** Copied by each fork. -1: no manager runs. */
const file = onePerProcess('metrics file', () => ({ fd: -1 }));

/** For the manager, before it forks anything. `fd`: an earlier program of this process has made it. */
export function openMetricsFile(
  fd = check(binding.memory_file('prefork-metrics', false), 'memfd_create'),
): number {
  file.fd = fd;
  return fd;
}

/** @throws RangeError `ERR_PREFORK_OUT_OF_RANGE`: there is not so much room; SystemError `ENOMEM` */
export function publish(row: Row, { pid, round, own, gone }: Publication): void {
  const text = Buffer.from(JSON.stringify({ own, gone }));
  if (text.length > LONGEST_PUBLICATION) {
    throw preforkError(
      'ERR_PREFORK_OUT_OF_RANGE',
      `The metrics of this worker take ${text.length} bytes, and there is room for ${LONGEST_PUBLICATION}: the others ` +
        'see them as they were before. A label with fewer values makes them smaller',
      { Base: RangeError },
    );
  }
  const times = (headerOf(row)?.[2] ?? 0) + 1;
  writeAt(text, halfOf(row, times));
  writeAt(new Uint8Array(Float64Array.of(pid, round, times, text.length, times).buffer), headerAt(row));
}

/** undefined: nobody has written anything there, or nothing that can be understood. */
export function publicationIn(row: Row): Publication | undefined {
  for (let left = PATIENCE; left > 0; left--) {
    const header = headerOf(row);
    if (header === undefined) return undefined;
    const [pid, round, times, bytes] = header;
    const text = Buffer.alloc(bytes);
    const read = readSync(file.fd, text, 0, bytes, halfOf(row, times));
    if (headerOf(row)?.[2] !== times) continue;
    const { own, gone } = parsed(text.toString('utf8', 0, read));
    return { pid, round, own: checkedFamilies(own), gone: checkedFamilies(gone) };
  }
  return undefined;
}

/** Who has written there last, and which question that answers. */
export function lastAnswerIn(row: Row): { pid: number; round: number } | undefined {
  const [pid, round] = headerOf(row) ?? [];
  return pid === undefined || round === undefined ? undefined : { pid, round };
}

/** Lines of the scoreboard in whose place somebody has written. */
export function rowsWithPublications(): Row[] {
  const headers = new Float64Array(Row.count * HEADER_NUMBERS);
  if (file.fd !== -1) readSync(file.fd, headers, 0, headers.byteLength, 0);
  const isWritten = (index: number) => headers[index * HEADER_NUMBERS + 2] !== 0;
  return Array.from({ length: Row.count }, (_, index) => index)
    .filter(isWritten)
    .map((index) => new Row(index));
}

/** Bytes of what is written in its place. */
export function sizeOfPublication(row: Row): number {
  return headerOf(row)?.[3] ?? 0;
}

/** It may be written to while it is read. */
function headerOf(row: Row): Header | undefined {
  const numbers = new Float64Array(HEADER_NUMBERS);
  for (let left = file.fd === -1 ? 0 : PATIENCE; left > 0; left--) {
    readSync(file.fd, numbers, 0, HEADER_BYTES, headerAt(row));
    const [pid = 0, round = 0, times = 0, bytes = 0, again = 0] = numbers;
    if (times === 0) return undefined;
    if (again !== times) continue;
    const isRight = Number.isSafeInteger(times) && Number.isSafeInteger(bytes) && bytes >= 0;
    return isRight && bytes <= LONGEST_PUBLICATION ? [pid, round, times, bytes, again] : undefined;
  }
  return undefined;
}

function headerAt({ index }: Row): number {
  return index * HEADER_BYTES;
}

function halfOf({ index }: Row, times: number): number {
  return Row.count * HEADER_BYTES + (2 * index + (times % 2)) * LONGEST_PUBLICATION;
}

function writeAt(bytes: Uint8Array, position: number): void {
  for (let at = 0; at < bytes.length; ) at += writeSync(file.fd, bytes, at, bytes.length - at, position + at);
}

function parsed(text: string): { own?: unknown; gone?: unknown } {
  try {
    const value = JSON.parse(text) as unknown;
    return typeof value === 'object' && value !== null ? value : {};
  } catch {
    return {};
  }
}
