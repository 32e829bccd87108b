import { writeSync } from 'node:fs';

/** All of `text`, before it returns. As Python's logging, it never throws: a closed stderr must not end the parent. */
export function writeToStderr(text: string): void {
  let rest = Buffer.from(text);
  while (rest.length > 0) {
    try {
      rest = rest.subarray(writeSync(2, rest));
    } catch (error) {
      // Somebody made the pipe non-blocking and it is full: wait for its reader, as a blocking write would.
      if ((error as NodeJS.ErrnoException).code !== 'EAGAIN') return;
      pause(1);
    }
  }
}

function pause(milliseconds: number): void {
  Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, milliseconds);
}
