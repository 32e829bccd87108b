/** What a function in a child has returned or thrown, in a file that parent and child share. */
import { fstatSync, ftruncateSync, readSync, writeSync } from 'node:fs';
import { deserialize } from 'node:v8';
import { type Copy, copyOf, madeOf } from './error-copy';

interface Thrown {
  thrown: Copy;
}

export type Answer = { value: unknown } | Thrown;

export function thrownAnswer(thrown: unknown): Answer {
  return { thrown: copyOf(thrown) };
}

/** The error that the child has thrown, with what was on it. */
export function thrownBy({ thrown }: Thrown): unknown {
  return madeOf(thrown);
}

/** A whole file, wherever its position is. */
export function readWhole(fd: number): Buffer {
  const content = Buffer.alloc(fstatSync(fd).size);
  for (let at = 0; at < content.length; ) {
    const read = readSync(fd, content, at, content.length - at, at);
    if (read === 0) break;
    at += read;
  }
  return content;
}

/** In the place of an answer for which there was no room, or of the part of it that was written. */
export function writeInstead(fd: number, content: Buffer): void {
  ftruncateSync(fd, 0);
  for (let at = 0; at < content.length; ) at += writeSync(fd, content, at, content.length - at, at);
}

/** Undefined from a child that ended before it had one: of one that was killed, a part may be there. */
export function readAnswer(fd: number, isKilled: boolean): Answer | undefined {
  const content = isKilled ? Buffer.alloc(0) : readWhole(fd);
  return content.length === 0 ? undefined : (deserialize(content) as Answer);
}
