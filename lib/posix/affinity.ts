import { constants } from 'node:os';
import { int, integer, object } from '../base/arguments';
import { binding } from '../base/binding';
import { check } from '../base/errors';

/** The highest number that Python takes. */
const MAX_PROCESSOR = 2 ** 31 - 2;
/** So many processors has a mask, at most, a bit each: far more than any kernel knows (NR_CPUS: 8192). */
const MOST_PROCESSORS = 2 ** 20;

function maskOf(processors: Iterable<number>): Uint8Array {
  // One that no kernel can have is as absent as any other beyond the last.
  const numbers = Array.from(object('processors', processors), (each) =>
    Math.min(integer('each of processors', each, 0, MAX_PROCESSOR), MOST_PROCESSORS - 1),
  );
  const bits = new Uint8Array((Math.floor(Math.max(0, ...numbers) / 64) + 1) * 8);
  for (const number of numbers) {
    const byte = Math.floor(number / 8);
    bits[byte] = (bits[byte] ?? 0) | (1 << (number % 8));
  }
  return bits;
}

function processorsIn(bits: Uint8Array): Set<number> {
  const all = Array.from({ length: bits.length * 8 }, (_, number) => number);
  return new Set(all.filter((number) => ((bits[Math.floor(number / 8)] ?? 0) >> (number % 8)) & 1));
}

/**
 * Limits a thread to some of the processors. Threads and processes that it starts later inherit that; existing threads (Node's
 * thread pool, V8's helpers) keep theirs. A forked child's threads have those of their originals.
 *
 * Source: sched_setaffinity(2), Python's `os.sched_setaffinity`.
 * @param pid a process, of which its main thread is meant, or the number of a thread; 0: the calling thread
 * @param processors their numbers, from 0 on
 * @throws SystemError `EINVAL` if none of them exists or may be used; `ESRCH`, `EPERM`
 * @throws TypeError `ERR_PREFORK_INVALID_ARG_TYPE`, RangeError `ERR_PREFORK_OUT_OF_RANGE`
 */
export function schedSetaffinity(pid: number, processors: Iterable<number>): void {
  check(binding.process_setaffinity(int('pid', pid), maskOf(processors)), 'sched_setaffinity');
}

/**
 * The processors that a thread may run on.
 *
 * Source: sched_getaffinity(2), Python's `os.sched_getaffinity`.
 * @param pid as for `schedSetaffinity`
 * @throws SystemError `ESRCH`
 * @throws TypeError `ERR_PREFORK_INVALID_ARG_TYPE`, RangeError `ERR_PREFORK_OUT_OF_RANGE`
 */
export function schedGetaffinity(pid: number): Set<number> {
  int('pid', pid);
  for (let size = 128; ; size *= 2) {
    const bits = new Uint8Array(size);
    const filled = binding.process_getaffinity(pid, bits);
    if (filled === -constants.errno.EINVAL && 8 * size < MOST_PROCESSORS) continue;
    return processorsIn(bits.subarray(0, check(filled, 'sched_getaffinity')));
  }
}
