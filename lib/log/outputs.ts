import { openSync } from 'node:fs';
import { integer } from '../base/arguments';
import { writeAll, writeToStderr } from '../base/blocking-write';
import { invalidType } from '../base/errors';

/** Where lines go. It never throws: a log must not end the process. */
export type Output = (line: string) => void;

/** What `basicConfig` writes to: a descriptor, `process.stdout`, or anything with a `write`. */
export type LogStream =
  | number
  | {
      /** Gets each line, with its end. */
      write(text: string): unknown;
    };

const MAX_INT = 0x7fffffff;

/** At once and with one blocking call. A closed pipe or a full disk loses the line. */
function toDescriptor(fd: number): Output {
  return (line) => {
    try {
      writeAll(fd, line);
    } catch {
      // As Python's handlers, which print to a standard error that may be as closed.
    }
  };
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
  return (line) => Reflect.apply(write, stream, [line]);
}

export const stderrOutput: Output = writeToStderr;
