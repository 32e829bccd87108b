/** What a function in a child has returned or thrown, in a file that parent and child share. */
import { fstatSync, ftruncateSync, readSync, writeSync } from 'node:fs';
import { isNativeError } from 'node:util/types';
import { deserialize, serialize } from 'node:v8';

interface Thrown {
  thrown: unknown;
  properties: Record<string, unknown>;
}

export type Answer = { value: unknown } | Thrown;

function isSerializable(value: unknown): boolean {
  try {
    serialize(value);
    return true;
  } catch {
    return false;
  }
}

/** Of an error, what `serialize` leaves out, in some versions of Node or in all: its name, its cause, what was put on it. */
function propertiesOf(thrown: unknown): Record<string, unknown> {
  // Of whichever context: test runners give their tests one of their own.
  if (!isNativeError(thrown)) return {};
  const cause = 'cause' in thrown ? [['cause', thrown.cause] as const] : [];
  const own = [...Object.entries(thrown), ...cause].filter(([, value]) => isSerializable(value));
  return { ...Object.fromEntries(own), name: thrown.name };
}

export function thrownAnswer(thrown: unknown): Answer {
  const shown = isSerializable(thrown) ? thrown : new Error(String(thrown));
  return { thrown: shown, properties: propertiesOf(thrown) };
}

/** The error that the child has thrown, with what was on it. */
export function thrownBy({ thrown, properties }: Thrown): unknown {
  for (const [name, value] of Object.entries(properties)) {
    Object.defineProperty(thrown, name, {
      value,
      configurable: true,
      writable: true,
      enumerable: name !== 'name' && name !== 'cause',
    });
  }
  return thrown;
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
