import { constants } from 'node:os';
import { binding } from '../base/binding';
import { systemError } from '../base/errors';

/**
 * How the one mapping is laid out that a process shares with all that it forks (native/posix/supervise.h). Views on it
 * are ordinary arrays: Atomics are as atomic on them as on a SharedArrayBuffer, between processes too.
 */
const LAYOUT = {
  header: { at: 0, bytes: 64 },
  rows: { at: 4096, bytes: 256 * 1024 },
  counters: { at: 4096 + 256 * 1024, bytes: 64 * 1024 },
} as const;

/** Whoever was forked after it was made has the same: a fork shares the mapping instead of copying it. */
let memory: ArrayBuffer | undefined;

function sharedMemory(): ArrayBuffer {
  if (memory === undefined) {
    const made = binding.shared_memory();
    if (typeof made === 'number') throw systemError(-constants.errno.ENOMEM, 'mmap');
    memory = made;
  }
  return memory;
}

/** What belongs to the parent and all workers: the bell comes first. */
export function sharedHeader(): Int32Array {
  const { at, bytes } = LAYOUT.header;
  return new Int32Array(sharedMemory(), at, bytes / Int32Array.BYTES_PER_ELEMENT);
}

/** The lines of the scoreboard. */
export function sharedRows(): Float64Array {
  const { at, bytes } = LAYOUT.rows;
  return new Float64Array(sharedMemory(), at, bytes / Float64Array.BYTES_PER_ELEMENT);
}

/** The users' counters. */
export function sharedCounterCells(): BigInt64Array {
  const { at, bytes } = LAYOUT.counters;
  return new BigInt64Array(sharedMemory(), at, bytes / BigInt64Array.BYTES_PER_ELEMENT);
}

/** Where a number of the scoreboard is, counted in 32-bit words from the start: the lower half of the number. */
export function wordOfRows(index: number): number {
  return LAYOUT.rows.at / Int32Array.BYTES_PER_ELEMENT + index * 2;
}
