import { AsyncResource } from 'node:async_hooks';
import { closeSync } from 'node:fs';
import { deserialize, serialize } from 'node:v8';
import { callable, integer, isThenable, object } from '../base/arguments';
import { binding } from '../base/binding';
import { writeAll } from '../base/blocking-write';
import { abortError, check, preforkError } from '../base/errors';
import { knownOptions } from '../base/option-names';
import { clearTimeout, setTimeout } from '../base/timers';
import { type Answer, readWhole, thrownAnswer, thrownBy, writeInstead } from '../fork/answer';
import { WIFSIGNALED } from '../wait/status';
import { checkAbortSignal } from '../wait/wait-async';
import { allOrNone, type Keep } from './all-or-none';
import { type Child, checkConfines, type End, failureOf, startChild } from './child';
import { openBufferFile, pack, packWhole, unpack } from './large-buffers';
import { Inbox, sendAtOnce } from './messages';
import { onAbort } from './on-abort';
import { openPipe } from './pipes';

/** Options of `inChild()` and `Pool.run()`. */
export interface InChildOptions<P = unknown> {
  /** Milliseconds from the fork after which the child is killed, with all that it has started. Default: no limit. */
  timeout?: number;
  /** Kills it when this is aborted; before the fork, there will be none. */
  signal?: AbortSignal;
  /**
   * Megabytes (2^20 bytes) by which the child may grow after the fork, 1 or more: what is resident or swapped out. It is killed
   * when it has grown by more. It is looked at every 10 milliseconds. Default: no limit.
   */
  memoryLimit?: number;
  /** Added to the niceness of the child, 0 to 19. Default: 0. */
  nice?: number;
  /** Called with each value that `work` gives to its `progress()`, copied, and in this order; never after the promise has settled. */
  onProgress?: (value: P) => void;
}

const LONGEST = 0x7fffffff;
const OPTIONS = [
  'timeout',
  'signal',
  'memoryLimit',
  'nice',
  'onProgress',
] as const satisfies readonly (keyof InChildOptions)[];

export function checkedInChildOptions<P>(options: InChildOptions<P>): InChildOptions<P> {
  knownOptions('options', object('options', options), OPTIONS);
  const { timeout, signal, onProgress } = options;
  if (timeout !== undefined) integer('options.timeout', timeout, 1, LONGEST);
  if (onProgress !== undefined) callable('options.onProgress', onProgress);
  checkConfines(options);
  checkAbortSignal(signal);
  return options;
}

// --- What parent and child share ---

function openAnswer(): number {
  return check(binding.memory_file('prefork-answer', false), 'memfd_create');
}

interface Progress {
  writer: number;
  inbox: Inbox;
}

function openProgress<P>(
  keep: Keep,
  onProgress: (value: P) => void,
  failed: (error: unknown) => void,
): Progress {
  const [reader, writer] = keep(openPipe());
  const heard = (content: Buffer) => {
    try {
      onProgress(deserialize(content) as P);
    } catch (error) {
      failed(error);
    }
  };
  return { writer, inbox: new Inbox(reader, heard) };
}

/** The child's answer in a file, its large buffers in another; its progress in a pipe, if anybody wants to hear of it. */
class Report<P> {
  readonly #answer: number;
  readonly #buffers: number;
  readonly #progress: Progress | undefined;

  constructor(onProgress: ((value: P) => void) | undefined, failed: (error: unknown) => void) {
    [this.#answer, this.#buffers, this.#progress] = allOrNone((keep) => [
      keep(openAnswer()),
      keep(openBufferFile()),
      onProgress === undefined ? undefined : openProgress(keep, onProgress, failed),
    ]);
  }

  // In the child:

  tell(value: P): void {
    if (this.#progress !== undefined) sendAtOnce(this.#progress.writer, serialize(value));
  }

  finish(answer: Answer): never {
    try {
      writeAll(this.#answer, pack(answer, () => this.#buffers).bytes);
    } catch (error) {
      this.#giveUp(error);
    }
    return binding.process_exit('thrown' in answer ? 1 : 0);
  }

  /** Also where nothing can be said of it. */
  #giveUp(error: unknown): never {
    try {
      writeInstead(this.#answer, packWhole(thrownAnswer(error)));
    } catch {
      // The parent has the status.
    }
    return binding.process_exit(1);
  }

  // In the parent, when the child has ended:

  /** Undefined if it ended before it had one: of one that was killed, a part may be there. */
  read({ status }: End): Answer | undefined {
    this.#progress?.inbox.drain();
    if (WIFSIGNALED(status)) return undefined;
    const bytes = readWhole(this.#answer);
    return bytes.length === 0 ? undefined : (unpack(bytes, () => this.#buffers) as Answer);
  }

  close(): void {
    closeSync(this.#answer);
    closeSync(this.#buffers);
    this.#progress?.inbox.close();
    if (this.#progress !== undefined) closeSync(this.#progress.writer);
  }
}

// --- In the child ---

type Work<T, P> = (progress: (value: P) => void) => T;

function callWork<T, P>(work: Work<T, P>, report: Report<P>): void {
  const giveUp = (error: unknown) => report.finish(thrownAnswer(error));
  const value = work((progress) => report.tell(progress));
  if (isThenable(value)) value.then((settled) => report.finish({ value: settled }), giveUp);
  else report.finish({ value });
}

// --- In the parent ---

function timeoutError(timeout: number): Error {
  return preforkError(
    'ERR_PREFORK_TIMEOUT',
    `The child was not done after ${timeout} ms, and was killed with all that it had started`,
  );
}

/** Waits for the end of a child, or brings it about. */
class Watch<P> {
  /** Why it was ended: what the call then throws. */
  cutShort: { error: unknown } | undefined;
  #child: Child | undefined;

  async endOf(child: Child, { timeout, signal }: InChildOptions<P>): Promise<End> {
    this.#child = child;
    if (this.cutShort !== undefined) child.kill();
    const abort = () => this.cut(abortError(signal));
    const timer =
      timeout === undefined ? undefined : setTimeout(() => this.cut(timeoutError(timeout)), timeout);
    const stop = onAbort(signal, abort);
    if (signal?.aborted === true) abort();
    try {
      return await child.end;
    } finally {
      clearTimeout(timer);
      stop();
    }
  }

  /** The first reason counts. */
  cut(error: unknown): void {
    this.cutShort ??= { error };
    this.#child?.kill();
  }
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
 * is done: no listener of 'exit' is called. It has a process group of its own, and dies with its parent. `work` is called with
 * a function that hands a value to `onProgress`.
 *
 * **In the parent** the event loop goes on. When the child has ended, whatever it has started in its process group is killed.
 *
 * Values and errors are copied as by `v8.serialize()`, but the contents of large buffers (1 MB and more) are mapped.
 * @throws what `work` throws: a copy with its stack, cause and properties; or what `onProgress` throws, which ends the child
 * @throws Error `ERR_PREFORK_TIMEOUT` if its time was over; `ABORT_ERR`
 * @throws Error `ERR_PREFORK_OUT_OF_MEMORY` if it has grown by more than `memoryLimit`
 * @throws Error `ERR_PREFORK_CHILD_KILLED` if a signal ended it: its `signal`. Without memory V8 ends it by
 *   SIGABRT or SIGTRAP, and the kernel by SIGKILL
 * @throws Error `ERR_PREFORK_CHILD_EXITED` if `work` called `process.exit()`: its `status`; or if its promise cannot settle
 *   any more
 * @throws Error `ERR_PREFORK_BUSY` if for ten seconds a thread was in native code in which it cannot be left behind;
 *   `ERR_PREFORK_UNSUPPORTED` outside the main thread, with musl, or without inspector; whatever `fork()` throws
 * @throws TypeError `ERR_PREFORK_INVALID_ARG_TYPE`, RangeError `ERR_PREFORK_OUT_OF_RANGE`; all as rejections
 */
export async function inChild<T, P = unknown>(
  work: (progress: (value: P) => void) => T,
  options: InChildOptions<P> = {},
): Promise<Awaited<T>> {
  callable('work', work);
  const { signal, onProgress } = checkedInChildOptions(options);
  if (signal?.aborted) throw abortError(signal);
  const bound = AsyncResource.bind(work);
  const watch = new Watch<P>();
  const report = new Report(onProgress, (error) => watch.cut(error));
  try {
    const giveUp = (error: unknown) => report.finish(thrownAnswer(error));
    const child = await startChild(() => callWork(bound, report), giveUp, options, signal);
    const end = await watch.endOf(child, options);
    const answer = report.read(end);
    if (watch.cutShort !== undefined) throw watch.cutShort.error;
    if (answer === undefined) throw failureOf(end);
    if ('thrown' in answer) throw thrownBy(answer);
    return answer.value as Awaited<T>;
  } finally {
    report.close();
  }
}
