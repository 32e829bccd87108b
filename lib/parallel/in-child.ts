import { AsyncResource } from 'node:async_hooks';
import { closeSync } from 'node:fs';
import { constants } from 'node:os';
import { serialize } from 'node:v8';
import { callable, integer, isThenable, object } from '../base/arguments';
import { binding } from '../base/binding';
import { writeAll } from '../base/blocking-write';
import { abortError, check, preforkError } from '../base/errors';
import { knownOptions } from '../base/option-names';
import { clearTimeout, setTimeout } from '../base/timers';
import { type Answer, readAnswer, thrownAnswer, thrownBy } from '../fork/answer';
import { exitAtOnce, writeDirectly } from '../fork/apart';
import { forkQuietly } from '../fork/quiet-child';
import { signalName, WEXITSTATUS, WIFSIGNALED, WTERMSIG } from '../wait/status';
import { WNOHANG, waitNow } from '../wait/wait';
import { checkAbortSignal, ended } from '../wait/wait-async';

/** Options of `inChild()`. */
export interface InChildOptions {
  /** Milliseconds from the fork after which the child is killed, with all that it has started. Default: no limit. */
  timeout?: number;
  /** Kills it when this is aborted; before the fork, there will be none. */
  signal?: AbortSignal;
  /** Added to the niceness of the child, 0 to 19. Default: 0. */
  nice?: number;
}

const LONGEST = 0x7fffffff;
const OPTIONS = ['timeout', 'signal', 'nice'] as const satisfies readonly (keyof InChildOptions)[];

function checked(options: InChildOptions): InChildOptions {
  knownOptions('options', object('options', options), OPTIONS);
  const { timeout, signal, nice } = options;
  if (timeout !== undefined) integer('options.timeout', timeout, 1, LONGEST);
  if (nice !== undefined) integer('options.nice', nice, 0, 19);
  checkAbortSignal(signal);
  return options;
}

// --- In the child ---

/** Its own group, so that it can be ended with all that it has started. */
function liveWith(parent: number): void {
  check(binding.process_setpgid(0, 0), 'setpgid');
  check(binding.process_parent_death_signal(constants.signals.SIGKILL), 'prctl');
  if (binding.process_getppid() !== parent) binding.process_exit(1); // it has died before that
}

function neverSettles(): Error {
  return preforkError(
    'ERR_PREFORK_CHILD_EXITED',
    'The function of inChild() returned a promise that is still pending, and nothing is left to settle it',
  );
}

function finish(answer: Answer, answerTo: number): never {
  try {
    writeAll(answerTo, serialize(answer));
  } catch (error) {
    writeAll(answerTo, serialize(thrownAnswer(error)));
    return binding.process_exit(1);
  }
  return binding.process_exit('thrown' in answer ? 1 : 0);
}

function runInChild(work: () => unknown, answerTo: number, parent: number, { nice }: InChildOptions): void {
  const processes = new Set([binding.wait_real_process(), process]);
  const giveUp = (error: unknown) => finish(thrownAnswer(error), answerTo);
  try {
    liveWith(parent);
    exitAtOnce(processes);
    writeDirectly(processes);
    for (const object of processes) {
      object.on('uncaughtException', giveUp).on('beforeExit', () => giveUp(neverSettles()));
    }
    if (nice !== undefined) check(binding.process_nice(nice, new Int32Array(1)), 'nice');
    const value = work();
    if (isThenable(value)) value.then((settled) => finish({ value: settled }, answerTo), giveUp);
    else finish({ value }, answerTo);
  } catch (error) {
    giveUp(error);
  }
}

// --- In the parent ---

function forked(work: () => void, signal: AbortSignal | undefined): Promise<number> {
  return new Promise((resolve, reject) => {
    let isWanted = true;
    const abort = () => {
      isWanted = false;
      reject(abortError(signal));
    };
    signal?.addEventListener('abort', abort, { once: true });
    forkQuietly(work, () => isWanted)
      .then(resolve, reject)
      .finally(() => signal?.removeEventListener('abort', abort));
  });
}

type CutShort = 'timeout' | 'abort';

interface End {
  status: number;
  cutShort: CutShort | undefined;
}

function killAll(group: number): void {
  binding.process_killpg(group, constants.signals.SIGKILL);
}

/** What it has started is killed before its number can be anybody else's. */
async function reaped(pid: number): Promise<number> {
  for (;;) {
    await ended(pid);
    killAll(pid);
    const [found, status] = waitNow(pid, WNOHANG);
    if (found !== 0) return status;
  }
}

async function endOf(pid: number, { timeout, signal }: InChildOptions): Promise<End> {
  let cutShort: CutShort | undefined;
  const cut = (why: CutShort) => {
    cutShort ??= why;
    killAll(pid);
  };
  const abort = () => cut('abort');
  const timer = timeout === undefined ? undefined : setTimeout(cut, timeout, 'timeout');
  signal?.addEventListener('abort', abort, { once: true });
  if (signal?.aborted) abort();
  try {
    return { status: await reaped(pid), cutShort };
  } finally {
    clearTimeout(timer);
    signal?.removeEventListener('abort', abort);
  }
}

function killedError(status: number): Error {
  const signal = signalName(WTERMSIG(status));
  const error = preforkError('ERR_PREFORK_CHILD_KILLED', `The child of inChild() was killed by ${signal}`);
  return Object.assign(error, { signal });
}

function exitedError(status: number): Error {
  const error = preforkError(
    'ERR_PREFORK_CHILD_EXITED',
    `The child of inChild() exited with status ${status}, and without a result`,
  );
  return Object.assign(error, { status });
}

function resultOf<T>({ status, cutShort }: End, answerTo: number, options: InChildOptions): T {
  const { timeout, signal } = options;
  if (cutShort === 'abort') throw abortError(signal);
  if (cutShort === 'timeout') {
    throw preforkError(
      'ERR_PREFORK_TIMEOUT',
      `The child of inChild() was not done after ${timeout} ms, and was killed with all that it had started`,
    );
  }
  if (WIFSIGNALED(status)) throw killedError(status);
  const answer = readAnswer(answerTo);
  if (answer === undefined) throw exitedError(WEXITSTATUS(status));
  if ('thrown' in answer) throw thrownBy(answer);
  return answer.value as T;
}

/**
 * Calls `work` in a child that has all of this process's memory, and resolves to a copy of what it returns, or of what its
 * promise settles to.
 *
 * The fork is made at the next turn of the event loop, so `work` sees what this turn has changed; nothing is copied to it.
 *
 * **In the child** `work` finds everything as it was, and what it changes stays in there. Of this program nothing else goes
 * on in it: no server, timer, immediate, promise, listener or worker thread. What `work` opens itself works: timers, files, DNS,
 * sockets, child processes, worker threads. Connections of the program are dead in it. It leaves by `_exit()` when `work`
 * is done: no listener of 'exit' is called. It has a process group of its own, and dies with its parent.
 *
 * **In the parent** the event loop goes on. When the child has ended, whatever it has started in its process group is killed.
 *
 * Values and errors are copied as by `v8.serialize()`.
 * @throws what `work` throws: a copy with its stack, cause and properties
 * @throws Error `ERR_PREFORK_TIMEOUT` if its time was over; `ABORT_ERR`
 * @throws Error `ERR_PREFORK_CHILD_KILLED` if a signal ended it: its `signal`. Without memory V8 ends it by
 *   SIGABRT or SIGTRAP, and the kernel by SIGKILL
 * @throws Error `ERR_PREFORK_CHILD_EXITED` if `work` called `process.exit()`: its `status`; or if its promise cannot settle
 *   any more
 * @throws Error `ERR_PREFORK_BUSY` if for ten seconds a thread was in native code in which it cannot be left behind;
 *   `ERR_PREFORK_UNSUPPORTED` outside the main thread, with musl, or without inspector; whatever `fork()` throws
 * @throws TypeError `ERR_PREFORK_INVALID_ARG_TYPE`, RangeError `ERR_PREFORK_OUT_OF_RANGE`; all as rejections
 */
export async function inChild<T>(work: () => T, options: InChildOptions = {}): Promise<Awaited<T>> {
  callable('work', work);
  const { signal } = checked(options);
  if (signal?.aborted) throw abortError(signal);
  const bound = AsyncResource.bind(work);
  const parent = binding.process_getpid();
  const answerTo = check(binding.memory_file('prefork-answer'), 'memfd_create');
  try {
    const pid = await forked(() => runInChild(bound, answerTo, parent, options), signal);
    /* parent */
    binding.process_setpgid(pid, pid); // whoever comes first
    return resultOf<Awaited<T>>(await endOf(pid, options), answerTo, options);
  } finally {
    closeSync(answerTo);
  }
}
