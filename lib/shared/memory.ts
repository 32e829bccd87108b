import { constants } from 'node:os';
import { binding } from '../base/binding';
import { systemError } from '../base/errors';
import { onePerProcess } from '../base/one-per-process';

/**
 * Layout of the one mapping that a process shares with all processes it forks (native/posix/supervise.h). Views of it are
 * ordinary arrays: Atomics work on them as on a SharedArrayBuffer, between processes, too.
 */
const LAYOUT = {
  header: { at: 0, bytes: 64 },
  rows: { at: 4096, bytes: 256 * 1024 },
  counters: { at: 4096 + 256 * 1024, bytes: 64 * 1024 },
  marks: { at: 4096 + 320 * 1024, bytes: 128 * 1024 },
  answers: { at: 512 * 1024, bytes: 512 * 1024 },
  samples: { at: 1024 * 1024, bytes: 80 * 1024 },
  questions: { at: 1104 * 1024, bytes: 520 * 1024 },
} as const;

/** Where the lines of the scoreboard begin, in bytes. */
export const ROWS_AT = LAYOUT.rows.at;

function makeMemory(): ArrayBuffer {
  const made = binding.shared_memory();
  if (typeof made === 'number') throw systemError(-constants.errno.ENOMEM, 'mmap');
  return made;
}

/** A process forked later has the same one: a fork shares the mapping instead of copying it. */
function sharedMemory(): ArrayBuffer {
  return onePerProcess('shared memory', makeMemory);
}

/** Words for the parent and all workers; the bell is the first. */
export function sharedHeader(): Int32Array {
  const { at, bytes } = LAYOUT.header;
  return new Int32Array(sharedMemory(), at, bytes / Int32Array.BYTES_PER_ELEMENT);
}

/** The lines of the scoreboard. */
export function sharedRows(): Float64Array {
  const { at, bytes } = LAYOUT.rows;
  return new Float64Array(sharedMemory(), at, bytes / Float64Array.BYTES_PER_ELEMENT);
}

/** What the natives of workers note for one another, a cache line for each line of the scoreboard. */
export function sharedMarks(): Uint32Array {
  const { at, bytes } = LAYOUT.marks;
  return new Uint32Array(sharedMemory(), at, bytes / Uint32Array.BYTES_PER_ELEMENT);
}

/** What workers count of their answers, a line for each line of the scoreboard. */
export function sharedAnswers(): Float64Array {
  const { at, bytes } = LAYOUT.answers;
  return new Float64Array(sharedMemory(), at, bytes / Float64Array.BYTES_PER_ELEMENT);
}

/** How the service was in the last minutes, which one attendant leaves to the next. */
export function sharedSamples(): Float64Array {
  const { at, bytes } = LAYOUT.samples;
  return new Float64Array(sharedMemory(), at, bytes / Float64Array.BYTES_PER_ELEMENT);
}

/** What commands ask single workers, and what these answer. */
export function sharedQuestions(): Uint8Array {
  const { at, bytes } = LAYOUT.questions;
  return new Uint8Array(sharedMemory(), at, bytes);
}

/** The users' counters. */
export function sharedCounterCells(): BigInt64Array {
  const { at, bytes } = LAYOUT.counters;
  return new BigInt64Array(sharedMemory(), at, bytes / BigInt64Array.BYTES_PER_ELEMENT);
}

/** Position of the lower half of a number of the scoreboard, in 32-bit words from the start. */
export function wordOfRows(index: number): number {
  return LAYOUT.rows.at / Int32Array.BYTES_PER_ELEMENT + index * 2;
}
