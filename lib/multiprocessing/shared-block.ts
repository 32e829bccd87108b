import { constants } from 'node:os';
import { isMainThread } from 'node:worker_threads';
import { binding } from '../base/binding';
import { preforkError, systemError } from '../base/errors';
import { family } from './members';

/** The kernel gives memory by the page. */
const PAGE_BYTES = 4096;

function newBuffer(bytes: number): ArrayBuffer {
  if (!isMainThread) {
    throw preforkError(
      'ERR_PREFORK_UNSUPPORTED',
      'What processes share is made and used by the main thread alone: ask it to, by a message',
    );
  }
  family(); // before the fork, so that all have the same
  const made = binding.shared_block(bytes);
  if (typeof made === 'number') throw systemError(-constants.errno.ENOMEM, 'mmap');
  return made;
}

/** Memory, zero at first, of this process and those that it forks afterwards. It is given back when none has a use for it. */
export function sharedBytes(bytes: number): ArrayBuffer {
  return newBuffer(Math.max(1, Math.ceil(bytes / PAGE_BYTES)) * PAGE_BYTES);
}

/** Pages of such memory, each as 1,024 words. */
export function sharedPages(count: number): Int32Array[] {
  const buffer = newBuffer(count * PAGE_BYTES);
  return Array.from(
    { length: count },
    (_, i) => new Int32Array(buffer, i * PAGE_BYTES, PAGE_BYTES / Int32Array.BYTES_PER_ELEMENT),
  );
}
