import { writeSync } from 'node:fs';

function pause(milliseconds: number): void {
  Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, milliseconds);
}

/**
 * All of it, before it returns, as a blocking write would: write(2) may take a part only, and where somebody has made the
 * pipe non-blocking and it is full, `EAGAIN` says to wait for its reader.
 *
 * @throws SystemError write `EPIPE`, `EBADF`, `ENOSPC` and whatever else ends it; the rest is then not written
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

/** As Python's logging, it never throws: a closed stderr must not end the parent. */
export function writeToStderr(text: string): void {
  try {
    writeAll(2, text);
  } catch {
    // Nobody is left to be told.
  }
}
