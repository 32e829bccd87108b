import { int } from '../base/arguments';
import { blockUntil } from './block';
import { type ResourceUsage, readUsage, usageRoom } from './rusage';
import { WNOHANG, waitNow } from './wait-now';

/** Also report children that a signal stopped. (wait(2)) */
export const WUNTRACED = 2;
/** Also report stopped children that SIGCONT woke. (wait(2)) */
export const WCONTINUED = 8;

const ANY_CHILD = -1;

function waitBlocking(
  pid: number,
  options: number,
  usage: Float64Array | null = null,
): [pid: number, status: number] {
  return blockUntil('waitpid', () => {
    const found = waitNow(pid, options, usage);
    return found[0] === 0 ? undefined : found;
  });
}

/**
 * Waits until any child ends, and reaps it.
 *
 * Blocks the thread and its event loop, but not signals: in the main thread signal listeners (`process.on('SIGTERM', …)`)
 * run at once, and the wait goes on. If a listener throws, the wait ends; no child is lost. (If a signal listener calls this
 * function, signals that Node fetched together with that one run after it.)
 *
 * Any child means: those of `fork()`, in any thread; those older than Node itself, or inherited from a child that ended (as
 * process 1 does); those that native code made in this thread. Children of `node:child_process` belong to that module and
 * emit their `exit` events when the loop turns again.
 *
 * Source: wait(2), Python's `os.wait`.
 * @returns the pid, and the status for `WIFEXITED` and so on or `waitstatusToExitcode`
 * @throws SystemError `ECHILD` if there is no child left to wait for; at once, or later if SIGCHLD is ignored
 */
export function wait(): [pid: number, status: number] {
  return waitBlocking(ANY_CHILD, 0);
}

/**
 * Waits until a child changes, and reaps it if it has ended. Blocks as `wait` does.
 *
 * Source: waitpid(2), Python's `os.waitpid`.
 * @param pid a child (even one of `node:child_process`, whose `exit` event then never comes and whose
 *   handle keeps the loop alive until `unref`); -1: any child, as `wait`
 *   does; 0: any in this process group; below -1: any in the process group `-pid`, of any kind
 * @param options 0 (the default), or of `WNOHANG` (do not block and run no listeners), `WUNTRACED`, `WCONTINUED`
 * @returns the pid and the status; `[0, 0]` with `WNOHANG` if no child is ready
 * @throws SystemError `ECHILD` if there is no such child, `EINVAL` for other options
 * @throws TypeError `ERR_PREFORK_INVALID_ARG_TYPE`, RangeError `ERR_PREFORK_OUT_OF_RANGE`
 */
export function waitpid(pid: number, options = 0): [pid: number, status: number] {
  int('pid', pid);
  int('options', options);
  return (options & WNOHANG) === 0 ? waitBlocking(pid, options) : waitNow(pid, options);
}

/**
 * `waitpid`, and what the child has used.
 *
 * Source: wait4(2), Python's `os.wait4`.
 * @returns the pid, the status, and the resources that the child and those of its children that it waited for have
 *   used; `[0, 0, …]` with zeros with `WNOHANG` if no child is ready
 * @throws as `waitpid`
 */
export function wait4(pid: number, options: number): [pid: number, status: number, usage: ResourceUsage] {
  int('pid', pid);
  int('options', options);
  const usage = usageRoom();
  const look = (options & WNOHANG) === 0 ? waitBlocking : waitNow;
  return [...look(pid, options, usage), readUsage(usage)];
}

/**
 * `wait4` for any child.
 *
 * Source: wait3(2), Python's `os.wait3`.
 * @throws as `waitpid`
 */
export function wait3(options: number): [pid: number, status: number, usage: ResourceUsage] {
  return wait4(ANY_CHILD, options);
}
