import { fstatSync, readdirSync } from 'node:fs';

const FIRST_AFTER_STANDARD_STREAMS = 3;

/** The sockets that the process which started this one has left open for it. */
export function inheritedSockets(): Set<number> {
  const numbers = readdirSync('/proc/self/fd').map(Number);
  return new Set(numbers.filter((fd) => fd >= FIRST_AFTER_STANDARD_STREAMS && isSocket(fd)));
}

function isSocket(fd: number): boolean {
  try {
    return fstatSync(fd).isSocket();
  } catch {
    return false; // the one with which the directory was read
  }
}
