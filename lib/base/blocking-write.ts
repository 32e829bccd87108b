import { writeSync } from 'node:fs';

function pause(milliseconds: number): void {
  Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, milliseconds);
}

/**
 * Writes all of it before it returns, as a blocking write would: write(2) may take only a part, and if somebody made the
 * pipe non-blocking and it is full, `EAGAIN` says to wait for its reader.
 *
 * @throws SystemError write `EPIPE`, `EBADF`, `ENOSPC`, …; what had not been written by then never is
 */
export function writeAll(fd: number, data: string | Buffer): void {
  let rest = Buffer.from(data);
  while (rest.length > 0) {
    try {
      rest = rest.subarray(writeSync(fd, rest));
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'EAGAIN') throw error;
      pause(1);
    }
  }
}

/**
 * To stdout. A reader that has gone away (`| head`) has read all that it wanted: that is no error.
 *
 * @throws SystemError write `EBADF`, `ENOSPC`, …, as `writeAll()`
 */
export function print(text: string): void {
  try {
    writeAll(1, text);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'EPIPE') throw error;
  }
}

/** As Python's logging, it never throws: a closed stderr must not end the parent. */
export function writeToStderr(text: string): void {
  try {
    writeAll(2, text);
  } catch {
    // Nobody is left to be told.
  }
}
