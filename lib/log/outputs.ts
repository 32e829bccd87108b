import { openSync } from 'node:fs';
import { integer } from '../base/arguments';
import { writeAll, writeToStderr } from '../base/blocking-write';
import { invalidType } from '../base/errors';
import { hearLater } from './logging-error';

/** Where lines go. What it throws or rejects with is reported. */
export type Output = (line: string) => unknown;

/** What `basicConfig` writes to: a descriptor, `process.stdout`, or anything with a `write`. */
export type LogStream =
  | number
  | {
      /** Gets each line, with its end. */
      write(text: string): unknown;
    };

const MAX_INT = 0x7fffffff;

/** At once and with one blocking call. */
function toDescriptor(fd: number): Output {
  return (line) => writeAll(fd, line);
}

/**
 * Appends. A forked child shares the open file, and lines of several processes do not overwrite each other (O_APPEND).
 * @throws SystemError open `ENOENT`, `EACCES` and so on
 */
export function fileOutput(filename: string, mode: string): Output {
  return toDescriptor(openSync(filename, mode));
}

export function streamOutput(stream: unknown): Output {
  if (typeof stream === 'number') return toDescriptor(integer('stream', stream, 0, MAX_INT));
  const { write, fd } = (stream ?? {}) as { write?: unknown; fd?: unknown };
  if (typeof write !== 'function')
    throw invalidType('stream', 'a descriptor or an object with a function write', stream);
  // Of process.stdout and process.stderr the descriptor is used: they may write later, and a fork would double that.
  if ((fd === 1 || fd === 2) && (stream === process.stdout || stream === process.stderr))
    return toDescriptor(fd);
  hearLater(stream as object);
  return (line) => {
    if (isClosed(stream as object)) throw new Error('write to a closed stream');
    return Reflect.apply(write, stream, [line]);
  };
}

/** A stream of Node's that is closed says nothing, or says so later. */
function isClosed(stream: { destroyed?: unknown; writableEnded?: unknown }): boolean {
  return stream.destroyed === true || stream.writableEnded === true;
}

export const stderrOutput: Output = writeToStderr;
