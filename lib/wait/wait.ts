import { constants } from 'node:os';
import { isMainThread } from 'node:worker_threads';
import { binding, type PidWatch } from '../base/binding';
import { abortError, check, integer, invalidType, systemError } from '../base/errors';

/** Do not block: `waitpid` answers `[0, 0]` if no child is ready. (wait(2)) */
export const WNOHANG = 1;
/** Also report children that a signal stopped. (wait(2)) */
export const WUNTRACED = 2;
/** Also report stopped children that SIGCONT woke. (wait(2)) */
export const WCONTINUED = 8;

const ANY_CHILD = -1;
const MAX_INT = 0x7fffffff;

// V8 can end a worker (worker.terminate(), or process.exit() in the main thread) only while it runs JavaScript, so
// that a worker comes up for air now and then. The main thread sleeps until something happens.
const LONGEST_SLEEP = isMainThread ? -1 : 100;

function waitNow(pid: number, options: number): [pid: number, status: number] {
  const status = new Int32Array(1);
  const found = check(binding.wait_now(pid, options, status), 'waitpid');
  return [found, found === 0 ? 0 : (status[0] ?? 0)];
}

const namesOfSignals = new Map<number, string[]>();
for (const [name, signal] of Object.entries(constants.signals)) {
  namesOfSignals.set(signal, [...(namesOfSignals.get(signal) ?? []), name]);
}

/**
 * The name under which JavaScript listens for a signal. SIGABRT and SIGIOT, SIGIO and SIGPOLL are two names of one
 * signal; Node has a libuv handle for each that is listened for, and each brings a message: so they take turns.
 */
function listenedName(process: NodeJS.Process, signal: number): string | undefined {
  const names = namesOfSignals.get(signal) ?? [];
  const name = names.find((each) => process.listenerCount(each) > 0);
  if (name !== undefined) names.push(...names.splice(names.indexOf(name), 1));
  return name;
}

/** As Node would if its loop turned (lib/internal/process/signal.js). */
export function runSignalListeners(signal: number): void {
  const process = binding.wait_real_process();
  const name = listenedName(process, signal);
  if (name !== undefined) Reflect.apply(process.emit, process, [name, name, signal]);
}

function runListenersOfArrived(): void {
  for (let signal = binding.wait_next_signal(); signal !== 0; signal = binding.wait_next_signal()) {
    runSignalListeners(signal);
  }
}

/**
 * The signals that have arrived and are listened for, which Node's loop has not had a turn to deliver yet. They are
 * taken: nobody else gets them.
 */
export function takeArrivedSignals(): number[] {
  const signals: number[] = [];
  check(binding.wait_begin(), 'sigaction');
  for (let signal = binding.wait_next_signal(); signal !== 0; signal = binding.wait_next_signal()) {
    signals.push(signal);
  }
  binding.wait_end();
  return signals;
}

function waitBlocking(pid: number, options: number): [pid: number, status: number] {
  check(binding.wait_begin(), 'waitpid');
  try {
    for (;;) {
      // Before the children: a loop of waits that never has to sleep would starve the listeners.
      runListenersOfArrived();
      const found = waitNow(pid, options);
      if (found[0] !== 0) return found;
      binding.wait_sleep(LONGEST_SLEEP);
    }
  } finally {
    binding.wait_end();
  }
}

/**
 * Waits until any child ends, and reaps it.
 *
 * Blocks the thread and its event loop, but not signals: in the main thread the listeners of `process.on('SIGTERM', …)`
 * and its like run at once, and the wait goes on. What a listener throws ends the wait; no child is lost by it.
 * (If the wait itself was called by a signal listener, signals that Node had fetched together with that one run after
 * it.)
 *
 * Any child means: those of `fork()`, whichever thread called it; those that were there before Node started or were
 * inherited from a child that ended (as process 1 does); those that native code made in this thread. Children of
 * `node:child_process` belong to that module and emit their `exit` events when the loop turns again.
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
 *   does; 0: any in this process group; below -1: any in the process group `-pid`, whosoever it is
 * @param options 0 (the default), or of `WNOHANG` (do not block and run no listeners), `WUNTRACED`, `WCONTINUED`
 * @returns the pid and the status; `[0, 0]` with `WNOHANG` if no child is ready
 * @throws SystemError `ECHILD` if there is no such child, `EINVAL` for other options
 * @throws TypeError `ERR_PREFORK_INVALID_ARG_TYPE`, RangeError `ERR_PREFORK_OUT_OF_RANGE`
 */
export function waitpid(pid: number, options = 0): [pid: number, status: number] {
  integer('pid', pid, -MAX_INT, MAX_INT);
  integer('options', options, 0, MAX_INT);
  return (options & WNOHANG) === 0 ? waitBlocking(pid, options) : waitNow(pid, options);
}

export type AsyncWaits = Set<PidWatch>;

/** What is pending in this thread's loop. */
export const asyncWaits: AsyncWaits = new Set();

/** False if the watch is over already: its child ended, it was aborted, or this is a forked child. */
function endWatch(watch: PidWatch): boolean {
  if (!asyncWaits.delete(watch)) return false;
  binding.wait_unwatch(watch);
  return true;
}

/** Resolves when the process ends, whether it is then still there to be reaped or not. */
function ended(pid: number, signal: AbortSignal | undefined): Promise<void> {
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
    asyncWaits.add(watch);
    signal?.addEventListener('abort', abort, { once: true });
  });
}

function checkAbortSignal(signal: unknown): void {
  if (signal === undefined) return;
  const { aborted, addEventListener } = (signal ?? {}) as Partial<AbortSignal>;
  if (typeof aborted !== 'boolean' || typeof addEventListener !== 'function') {
    throw invalidType('options.signal', 'an AbortSignal', signal);
  }
}

/**
 * Waits for the end of a child, and reaps it, while the event loop turns; the loop is kept alive until then.
 * Any number may wait at the same time; of those that wait for the same child, one gets it and the others `ECHILD`.
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
  if (typeof options !== 'object' || options === null) throw invalidType('options', 'an object', options);
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
  for (const watch of waits) endWatch(watch);
}
