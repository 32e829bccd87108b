/** The memory that a process has for itself, and would have once if it were shared with forks. */
import { readFileSync } from 'node:fs';

const KILOBYTE = 1024;

/** In bytes; 0 where the kernel does not tell. */
export function ownMemory(): number {
  try {
    return privateBytes(readFileSync('/proc/self/smaps_rollup', 'latin1'));
  } catch {
    return 0;
  }
}

/** @param rollup smaps_rollup, proc_pid_smaps(5) */
function privateBytes(rollup: string): number {
  let kilobytes = 0;
  for (const [, size] of rollup.matchAll(/^Private_(?:Clean|Dirty): +(\d+) kB$/gm)) kilobytes += Number(size);
  return kilobytes * KILOBYTE;
}
