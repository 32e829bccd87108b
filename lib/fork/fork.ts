import { constants } from 'node:os';
import { boolean, integer, object } from '../base/arguments';
import { binding } from '../base/binding';
import { preforkError, systemError } from '../base/errors';
import { knownOptions } from '../base/option-names';
import { type HookFailed, runAfter, runBefore, throwLater } from './at-fork';
import { becomeChild, listenForForksElsewhere } from './become-child';
import { becomeQuiet } from './become-quiet';
import { awaitCertificates } from './certificates';
import { wrapCredentialCalls } from './credentials';
import { type Estate, takeStock } from './estate';
import { requestsInFlight } from './in-flight';
import { rehearseFork } from './rehearse-fork';
import { hasOtherThreads } from './worker-threads';

/** Options of `fork()`. */
export interface ForkOptions {
  /**
   * Fork even if requests are in flight. The thread pool then finishes each of them in both processes: a write happens
   * twice, and a callback runs in both. Default: false, which throws `ERR_PREFORK_BUSY`.
   */
  allowInFlight?: boolean;
  /** Open the child's inspector on this port (0: any free one). Default: no inspector. */
  inspectPort?: number;
}

interface InnerOptions extends ForkOptions {
  /** CLONE_PARENT of clone(2). */
  asSibling?: boolean;
  /** See `quiet-child.ts`. */
  quiet?: boolean;
}

const MAX_PORT = 65535;

listenForForksElsewhere();
wrapCredentialCalls();
if (process.env['PREFORK_TRACE'] === '1')
  (require('./openings') as typeof import('./openings')).traceOpenings();

const FORK_OPTIONS = ['allowInFlight', 'inspectPort'] as const satisfies readonly (keyof ForkOptions)[];

function checkOptions(options: ForkOptions): void {
  knownOptions('options', options, FORK_OPTIONS);
  const { allowInFlight, inspectPort } = options;
  if (allowInFlight !== undefined) boolean('options.allowInFlight', allowInFlight);
  if (inspectPort !== undefined) integer('options.inspectPort', inspectPort, 0, MAX_PORT);
}

/** Throws if there is some that is to be done once; what the child has to do about the rest. */
function refuseWorkInFlight(): (() => void) | undefined {
  const count = requestsInFlight();
  if (count === 0) return undefined;
  const { refuseInFlight } = require('./refuse-in-flight') as typeof import('./refuse-in-flight');
  return refuseInFlight(count);
}

/**
 * Whether JavaScript in another thread, or the thread pool, may be in the middle of something. It goes on in parent and
 * child: each needs its own position in a file that is being read, and a socket that is being bound is waited for.
 */
export function othersGoOn(): boolean {
  return hasOtherThreads() || requestsInFlight() > 0;
}

/** The cause says how a call failed, but not which one; so each is tried. */
function missingError(cause: Error): Error {
  const name = binding.fork_misses();
  if (name === undefined) return cause;
  const why = name.startsWith('/proc')
    ? 'cannot be read here: mount /proc, in this namespace of processes'
    : 'the kernel lacks, or a seccomp filter forbids';
  return preforkError('ERR_PREFORK_UNSUPPORTED', `fork() needs ${name}, which ${why}`, { cause });
}

function forkError(negativeErrno: number): Error {
  const cause = systemError(negativeErrno, 'fork');
  switch (-negativeErrno) {
    case constants.errno.ETIMEDOUT:
      return preforkError('ERR_PREFORK_TIMEOUT', 'fork() gave up: a thread did not stop in time', {
        cause,
      });
    case constants.errno.ETIME:
      return preforkError('ERR_PREFORK_TIMEOUT', 'the child was not complete in time', { cause });
    case constants.errno.ECHILD:
      return preforkError('ERR_PREFORK_CHILD_KILLED', 'the child was killed before it was complete', {
        cause,
      });
    case constants.errno.ENOTSUP:
      return preforkError(
        'ERR_PREFORK_UNSUPPORTED',
        'fork() cannot give the child an io_uring like one of this process: a ring with a kernel thread ' +
          '(UV_USE_IO_URING=1), one of a native package, or one whose address the kernel refuses',
        { cause },
      );
    case constants.errno.ENOSYS:
    case constants.errno.EPERM:
    case constants.errno.EACCES:
    case constants.errno.ENOENT:
      return missingError(cause);
    default:
      return cause;
  }
}

/** After the fork, in either process. */
function goOn(pid: number, estate: Estate, options: InnerOptions): void {
  if (pid === 0 && options.quiet === true) becomeQuiet(estate);
  else if (pid === 0) becomeChild(estate, options);
  else if (options.asSibling !== true) binding.wait_note_child(pid);
}

/**
 * Duplicates this process, with its heap, its threads and its event loop. Returns twice.
 *
 * **In the parent** it returns the child's pid; nothing else changes.
 *
 * **In the child** it returns 0. The calling thread is the child's main thread. The child has a copy of every other thread,
 * timer, watcher and worker, its own pid and its own random numbers; it has no IPC channel, no inspector and none of the
 * parent's child processes. Files, sockets and pipes are shared, as POSIX says; but with worker threads or requests in
 * flight, the child has its own position in files open for reading only. See docs/fork-safety.md.
 *
 * **On an error** there is no child, and the parent goes on as before.
 *
 * Source: fork(2), Python's `os.fork`; forkall(2) of Solaris.
 * @throws Error `ERR_PREFORK_BUSY` if requests are in flight, unless `allowInFlight`
 * @throws Error `ERR_PREFORK_TIMEOUT` if a thread does not stop within 5 seconds, or the child is not complete in 10
 * @throws Error `ERR_PREFORK_CHILD_KILLED` if the child was killed before it was complete
 * @throws Error `ERR_PREFORK_UNSUPPORTED` if the system lacks something; the message names it
 * @throws SystemError `EAGAIN`, `ENOMEM`, `EMFILE`, `ENFILE`: no process, memory or descriptor left
 * @throws TypeError `ERR_PREFORK_INVALID_ARG_TYPE`, RangeError `ERR_PREFORK_OUT_OF_RANGE`
 */
export function fork(options: ForkOptions = {}): number {
  return forkFrom(throwLater, options);
}

/** fork() for a parent whose event loop may not turn again: it says what becomes of what hooks throw in it. */
export function forkFrom(failedInParent: HookFailed, options: ForkOptions): number {
  checkOptions(object('options', options));
  return duplicate(failedInParent, options);
}

/**
 * The same, but the child is a child of this process's own parent, which alone can wait for it, and whose death it may ask
 * to be told of: for a process that makes workers for a manager. Also if this call fails a child may have been made and
 * killed, which that parent has to reap.
 */
export function forkSibling(failedInParent: HookFailed): number {
  return duplicate(failedInParent, { asSibling: true });
}

/** For `quiet-child.ts`: the same, but nothing of the parent's is left on the child's event loop. -1: not at this moment. */
export function forkAtRest(): number {
  return duplicate(throwLater, { allowInFlight: true, quiet: true });
}

function duplicate(failedInParent: HookFailed, options: InnerOptions): number {
  const hooks = runBefore(failedInParent);
  let pid: number;
  let estate: Estate;
  let settleInChild: (() => void) | undefined;
  try {
    settleInChild = options.allowInFlight === true ? undefined : refuseWorkInFlight();
    awaitCertificates();
    estate = takeStock();
    const noHooks = hooks.slice(0, 0);
    rehearseFork((standIn) => {
      goOn(0, standIn, {});
      runAfter(noHooks, -1, failedInParent);
    });
    const isQuiet = options.quiet === true;
    pid = binding.fork(estate.inspectorPort, !isQuiet && othersGoOn(), options.asSibling === true, isQuiet);
    if (pid < 0 && !(isQuiet && pid === -constants.errno.EBUSY)) throw forkError(pid);
  } catch (error) {
    runAfter(hooks, -1, failedInParent);
    throw error;
  }
  if (pid < 0) {
    runAfter(hooks, -1, failedInParent);
    return -1;
  }
  goOn(pid, estate, options);
  if (pid === 0) settleInChild?.();
  runAfter(hooks, pid, failedInParent);
  return pid;
}
