import { closeSync, fstatSync, openSync, readlinkSync } from 'node:fs';
import { dup2 } from '../os';

/**
 * Opens anew, under the name by which they were opened, the files that standard output and standard error go to: after
 * a rotation that name is a new file. What is no regular file stays as it is.
 */
export function reopenLogFiles(): void {
  for (const fd of [1, 2]) {
    const name = fileBehind(fd);
    if (name === undefined) continue;
    try {
      const opened = openSync(name, 'a', 0o644);
      dup2(opened, fd);
      closeSync(opened);
    } catch {
      // The directory has gone, or this process may not write there: the old file is better than none.
    }
  }
}

function fileBehind(fd: number): string | undefined {
  try {
    if (!fstatSync(fd).isFile()) return undefined;
    return readlinkSync(`/proc/self/fd/${fd}`).replace(/ \(deleted\)$/, '');
  } catch {
    return undefined; // closed
  }
}
