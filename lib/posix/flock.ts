import { constants } from 'node:os';
import { int, integer } from '../base/arguments';
import { binding } from '../base/binding';
import { check } from '../base/errors';
import { blockUntil } from '../wait/block';

/** `flock`: a shared lock. (flock(2), Python's `fcntl.LOCK_SH`) */
export const LOCK_SH = 1;
/** `flock`: an exclusive lock. (flock(2), Python's `fcntl.LOCK_EX`) */
export const LOCK_EX = 2;
/** `flock`: do not wait for it. (flock(2), Python's `fcntl.LOCK_NB`) */
export const LOCK_NB = 4;
/** `flock`: give it up. (flock(2), Python's `fcntl.LOCK_UN`) */
export const LOCK_UN = 8;

const MAX_INT = 0x7fffffff;
const LONGEST_NAP = 10;

/**
 * Locks an open file, or gives the lock up. The lock belongs to the open file: a forked child shares it, and the last
 * close of all gives it up.
 *
 * Waits for a lock that somebody else has; blocks the thread and its event loop, but not signals: their listeners run meanwhile. The
 * kernel cannot wait for both, so it asks again after 1 to 10 milliseconds, and may be overtaken by others.
 *
 * Source: flock(2), Python's `fcntl.flock`.
 * @param operation `LOCK_SH`, `LOCK_EX` or `LOCK_UN`, and `LOCK_NB` so that it throws instead of waiting
 * @throws SystemError `EAGAIN` with `LOCK_NB` if somebody else has it; `EBADF`, `EINVAL`
 * @throws TypeError `ERR_PREFORK_INVALID_ARG_TYPE`, RangeError `ERR_PREFORK_OUT_OF_RANGE`
 */
export function flock(fd: number, operation: number): void {
  integer('fd', fd, 0, MAX_INT);
  int('operation', operation);
  const attempt = () => {
    const result = binding.process_flock(fd, operation);
    if (result === -constants.errno.EAGAIN && (operation & LOCK_NB) === 0) return undefined;
    return check(result, 'flock');
  };
  if (attempt() !== undefined) return;
  let nap = 1;
  const within = () => {
    nap = Math.min(nap * 2, LONGEST_NAP);
    return nap / 2;
  };
  blockUntil('flock', attempt, { within });
}
