/**
 * The process functions of Python's `os`, and related ones of `signal`, `time`, `fcntl` and `socket`.
 * @module
 */
import { boolean, int } from './base/arguments';
import { binding } from './base/binding';
import { check } from './base/errors';
import { signalNumber } from './posix/signal-number';

export { type ForkHooks, type ForkMessage, registerAtFork } from './fork/at-fork';
export { type ForkOptions, fork } from './fork/fork';
export { type ForkSyncOptions, type ForkSyncResult, forkSync } from './fork/fork-sync';
export { type ForkWhenIdleOptions, forkWhenIdle } from './fork/fork-when-idle';
export { schedGetaffinity, schedSetaffinity } from './posix/affinity';
export { type Environment, execv, execve, execvp, execvpe } from './posix/exec';
export { flock, LOCK_EX, LOCK_NB, LOCK_SH, LOCK_UN } from './posix/flock';
export { kill, killpg } from './posix/kill';
export { type Descriptor, MSG_CTRUNC, MSG_DONTWAIT, recvFds, sendFds } from './posix/pass-descriptors';
export { getsignal, SIG_DFL, SIG_IGN, type SignalHandler, signal } from './posix/signal';
export type { ResourceUsage } from './wait/rusage';
export { pause, sleep } from './wait/sleep';
export {
  WCOREDUMP,
  WEXITSTATUS,
  WIFCONTINUED,
  WIFEXITED,
  WIFSIGNALED,
  WIFSTOPPED,
  WSTOPSIG,
  WTERMSIG,
  waitstatusToExitcode,
} from './wait/status';
export { WCONTINUED, WUNTRACED, wait, wait3, wait4, waitpid } from './wait/wait';
export { waitpidAsync } from './wait/wait-async';
export {
  CLD_CONTINUED,
  CLD_DUMPED,
  CLD_EXITED,
  CLD_KILLED,
  CLD_STOPPED,
  CLD_TRAPPED,
  P_ALL,
  P_PGID,
  P_PID,
  P_PIDFD,
  type WaitidResult,
  WEXITED,
  WNOWAIT,
  WSTOPPED,
  waitid,
} from './wait/wait-id';
export { WNOHANG } from './wait/wait-now';

/**
 * Ends this process at once, with all its threads: runs no `exit` or `beforeExit` listeners and no exit handlers of add-ons
 * or C, and writes nothing that is still buffered.
 *
 * Source: exit_group(2), Python's `os._exit`.
 * @param code any 32-bit integer; the parent sees its low eight bits
 * @throws TypeError `ERR_PREFORK_INVALID_ARG_TYPE`, RangeError `ERR_PREFORK_OUT_OF_RANGE`
 */
export function _exit(code: number): never {
  return binding.process_exit(int('code', code));
}

/** Asks the kernel for this process's id. Never throws. (getpid(2), Python's `os.getpid`) */
export function getpid(): number {
  return binding.process_getpid();
}

/** Returns the parent's id; 0 if it is in another pid namespace. Never throws. (getppid(2), Python's `os.getppid`) */
export function getppid(): number {
  return binding.process_getppid();
}

/**
 * Makes the kernel send SIGALRM after that many seconds; it ends the process unless the process listens for it. A process
 * has one alarm: a new one replaces it. A forked child has none.
 *
 * Source: alarm(2), Python's `signal.alarm`.
 * @param seconds 0 cancels; the kernel takes -1 for 2**32 - 1, the longest time there is
 * @returns the seconds that were left of the previous alarm, rounded; 0 if there was none
 * @throws TypeError `ERR_PREFORK_INVALID_ARG_TYPE`, RangeError `ERR_PREFORK_OUT_OF_RANGE`
 */
export function alarm(seconds: number): number {
  return binding.process_alarm(int('seconds', seconds));
}

function pair(make: (ends: Int32Array) => number, syscall: string): [number, number] {
  const ends = new Int32Array(2);
  check(make(ends), syscall);
  const [first = -1, second = -1] = ends;
  return [first, second];
}

/**
 * Makes a pipe: you read from the first descriptor what you write to the second. Both are close-on-exec, and shared with
 * children of `fork()`. Close them with `fs.closeSync`.
 *
 * Source: pipe(2), Python's `os.pipe`.
 * @throws SystemError `EMFILE` or `ENFILE` if there are too many open files
 */
export function pipe(): [readingEnd: number, writingEnd: number] {
  return pair(binding.process_pipe, 'pipe2');
}

/**
 * Makes two connected Unix stream sockets, close-on-exec. Close them with `fs.closeSync`, or pass them to
 * `new net.Socket({ fd })`.
 *
 * Source: socketpair(2), Python's `socket.socketpair`.
 * @throws SystemError `EMFILE` or `ENFILE` if there are too many open files
 */
export function socketpair(): [number, number] {
  return pair(binding.process_socketpair, 'socketpair');
}

/**
 * Makes the descriptor `to` refer to the same file as `from`; silently closes what `to` referred to before.
 *
 * Source: dup2(2), dup3(2), Python's `os.dup2`.
 * @param inheritable false: close-on-exec
 * @returns `to`
 * @throws SystemError `EBADF` if `from` is not open, or `to` is below 0 or beyond the limit; `EINVAL` if they are the same and
 *   `inheritable` is false
 * @throws TypeError `ERR_PREFORK_INVALID_ARG_TYPE`, RangeError `ERR_PREFORK_OUT_OF_RANGE`
 */
export function dup2(from: number, to: number, inheritable = true): number {
  int('from', from);
  int('to', to);
  boolean('inheritable', inheritable);
  return check(binding.process_dup2(from, to, inheritable), inheritable ? 'dup2' : 'dup3');
}

/**
 * Makes this process the leader of a new session and process group, without a controlling terminal.
 *
 * Source: setsid(2), Python's `os.setsid`.
 * @throws SystemError `EPERM` if it leads a process group already
 */
export function setsid(): void {
  check(binding.process_setsid(), 'setsid');
}

/**
 * Puts a process into a process group.
 *
 * Source: setpgid(2), Python's `os.setpgid`.
 * @param pid this process (0) or a child that has not called exec
 * @param pgid the group; 0: a new one, led by the process
 * @throws SystemError `EACCES` if the child has called exec, `EPERM` if the group is of another session, `ESRCH` if
 *   there is no such child, `EINVAL` for a group below 0
 * @throws TypeError `ERR_PREFORK_INVALID_ARG_TYPE`, RangeError `ERR_PREFORK_OUT_OF_RANGE`
 */
export function setpgid(pid: number, pgid: number): void {
  check(binding.process_setpgid(int('pid', pid), int('pgid', pgid)), 'setpgid');
}

/**
 * Returns the process group of a process.
 *
 * Source: getpgid(2), Python's `os.getpgid`.
 * @param pid 0: this process
 * @throws SystemError `ESRCH`
 * @throws TypeError `ERR_PREFORK_INVALID_ARG_TYPE`, RangeError `ERR_PREFORK_OUT_OF_RANGE`
 */
export function getpgid(pid: number): number {
  return check(binding.process_getpgid(int('pid', pid)), 'getpgid');
}

/**
 * Returns the session of a process.
 *
 * Source: getsid(2), Python's `os.getsid`.
 * @param pid 0: this process
 * @throws SystemError `ESRCH`
 * @throws TypeError `ERR_PREFORK_INVALID_ARG_TYPE`, RangeError `ERR_PREFORK_OUT_OF_RANGE`
 */
export function getsid(pid: number): number {
  return check(binding.process_getsid(int('pid', pid)), 'getsid');
}

/**
 * Adds to the niceness of the calling thread; on Linux each thread has its own. Threads and processes started later inherit
 * it; a forked child's threads keep theirs.
 *
 * Source: nice(2), Python's `os.nice`.
 * @param increment a negative one needs CAP_SYS_NICE
 * @returns the new niceness, -20 to 19
 * @throws SystemError `EPERM`
 * @throws TypeError `ERR_PREFORK_INVALID_ARG_TYPE`, RangeError `ERR_PREFORK_OUT_OF_RANGE`
 */
export function nice(increment: number): number {
  const niceness = new Int32Array(1);
  check(binding.process_nice(int('increment', increment), niceness), 'nice');
  return niceness[0] ?? 0;
}

/**
 * Makes the kernel send this process a signal when its parent ends; strictly, when the thread that made it ends. Children do
 * not inherit this. If the parent ended before the call, no signal comes: compare `getppid()` afterwards.
 *
 * Source: prctl(2), PR_SET_PDEATHSIG.
 * @param signal its name or number; 0: none
 * @throws TypeError `ERR_PREFORK_INVALID_ARG_TYPE`, `ERR_PREFORK_INVALID_ARG_VALUE` for a name that is none
 * @throws RangeError `ERR_PREFORK_OUT_OF_RANGE` for a number beyond 0 to 64
 */
export function setParentDeathSignal(signal: NodeJS.Signals | number): void {
  check(binding.process_parent_death_signal(signalNumber('signal', signal)), 'prctl');
}
