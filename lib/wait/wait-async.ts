import { constants } from 'node:os';
import { integer, object } from '../base/arguments';
import { binding, type PidWatch } from '../base/binding';
import { abortError, invalidType, systemError } from '../base/errors';
import { onePerProcess } from '../base/one-per-process';
import { knownOptions } from '../base/option-names';
import { WNOHANG, waitNow } from './wait-now';

const MAX_INT = 0x7fffffff;

/** What is waited for, and how to stop: another copy of this package has another addon. */
export type AsyncWaits = Map<PidWatch, () => void>;

/** What is pending in this thread's loop. A child empties its copy (`forgetAsyncWaits`). */
export const asyncWaits: AsyncWaits = onePerProcess('async waits', () => new Map());

/** False if the watch is over already: its child ended, it was aborted, or this is a forked child. */
function endWatch(watch: PidWatch): boolean {
  const stop = asyncWaits.get(watch);
  asyncWaits.delete(watch);
  stop?.();
  return stop !== undefined;
}

/** Resolves when the process ends, whether it is then still there to be reaped or not. */
export function ended(pid: number, signal?: AbortSignal): Promise<void> {
  return new Promise((resolve, reject) => {
    const owner = binding.process_getpid();
    const watch = binding.wait_watch(pid, () => {
      if (typeof watch === 'number' || !endWatch(watch)) return;
      signal?.removeEventListener('abort', abort);
      // A worker thread that goes on in a forked child: the process is not its child, and the promise not its own.
      if (binding.process_getpid() === owner) resolve();
    });
    if (typeof watch === 'number') {
      // Somebody else reaped it a moment ago.
      if (watch === -constants.errno.ESRCH) resolve();
      else reject(systemError(watch, 'pidfd_open'));
      return;
    }
    const abort = () => {
      if (endWatch(watch)) reject(abortError(signal));
    };
    asyncWaits.set(watch, () => binding.wait_unwatch(watch));
    signal?.addEventListener('abort', abort, { once: true });
  });
}

export function checkAbortSignal(signal: unknown): void {
  if (signal === undefined) return;
  const { aborted, addEventListener } = (signal ?? {}) as Partial<AbortSignal>;
  if (typeof aborted !== 'boolean' || typeof addEventListener !== 'function') {
    throw invalidType('options.signal', 'an AbortSignal', signal);
  }
}

/**
 * Waits for the end of a child, and reaps it, while the event loop turns; the loop is kept alive until then.
 * Any number may wait at the same time. If several wait for one child, one gets it and the others get `ECHILD`.
 * In a child that `fork()` makes meanwhile, the promise never settles and keeps nothing alive.
 *
 * Before Linux 5.3, and where a seccomp filter forbids pidfd_open(2), it looks at the child every 20 milliseconds.
 *
 * Source: pidfd_open(2); Python's `asyncio.PidfdChildWatcher`.
 * @param pid a child of this process; one of `node:child_process` is a race with that module
 * @param options how to stop waiting
 * @param options.signal stops waiting when it aborts; the child is left alone and can be waited for again
 * @returns the pid and the status
 * @throws SystemError `ECHILD` if there is no such child, `EMFILE` if there are too many open files
 * @throws Error `ABORT_ERR` with the signal's reason as `cause`
 * @throws TypeError `ERR_PREFORK_INVALID_ARG_TYPE`, RangeError `ERR_PREFORK_OUT_OF_RANGE`; all as rejections
 */
export async function waitpidAsync(
  pid: number,
  options: { signal?: AbortSignal } = {},
): Promise<[pid: number, status: number]> {
  integer('pid', pid, 1, MAX_INT);
  knownOptions('options', object('options', options), ['signal']);
  const { signal } = options;
  checkAbortSignal(signal);
  if (signal?.aborted) throw abortError(signal);
  for (;;) {
    const found = waitNow(pid, WNOHANG);
    if (found[0] !== 0) return found;
    await ended(pid, signal);
  }
}

/** For `fork()`, in the child: what `waitpidAsync` waits for are siblings now. Their promises never settle. */
export function forgetAsyncWaits(waits: AsyncWaits): void {
  for (const watch of waits.keys()) endWatch(watch);
}
