/** A function in a forked child, and what became of it: what spawnSync() is to spawn(). */
import { closeSync, mkdtempSync, openSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { serialize } from 'node:v8';
import { callable, integer, object } from '../base/arguments';
import { binding } from '../base/binding';
import { writeAll } from '../base/blocking-write';
import { check, invalidType, preforkError } from '../base/errors';
import { knownOptions } from '../base/option-names';
import { blockUntil } from '../wait/block';
import { signalName, WEXITSTATUS, WIFSIGNALED, WTERMSIG } from '../wait/status';
import { WNOHANG, waitNow } from '../wait/wait-now';
import { type Answer, readAnswer, readWhole, thrownAnswer, thrownBy, writeInstead } from './answer';
import { exitAtOnce, writeDirectly } from './apart';
import { fork } from './fork';

/** Options of `forkSync()`. */
export interface ForkSyncOptions {
  /** Milliseconds after which the child is killed (SIGKILL), 1 or more. Default: no limit. */
  timeout?: number;
  /**
   * What becomes of the child's output: `'pipe'`: it is in the result; `'inherit'`: it goes where this process's goes;
   * `'ignore'`: nowhere. Default `'pipe'`.
   */
  stdio?: 'pipe' | 'inherit' | 'ignore';
}

/** What became of a child of `forkSync()`. */
export interface ForkSyncResult<T> {
  /** Of its process, which has ended. */
  pid: number;
  /** 0 if the function returned, 1 if it threw, or what it called `process.exit()` with; null if a signal ended it. */
  status: number | null;
  /** What ended it; null if it exited. */
  signal: NodeJS.Signals | null;
  /** What the function returned, a copy; undefined if it did not return. */
  value: T | undefined;
  /**
   * What the function threw, a copy with its stack, class of JavaScript's and properties; `ERR_PREFORK_TIMEOUT` if its
   * time was over; undefined otherwise.
   */
  error: unknown;
  /** What it wrote to standard output and error, by `process.stdout`, `console` or the descriptors; '' unless piped. */
  stdout: string;
  /** See stdout. */
  stderr: string;
}

const LONGEST = 0x7fffffff;
const KINDS: readonly unknown[] = ['pipe', 'inherit', 'ignore'];

// --- Files without names, which parent and child share: nobody has to read them while the child writes.

function openScratch(): number {
  const folder = mkdtempSync(join(tmpdir(), 'prefork-'));
  try {
    return openSync(join(folder, 'scratch'), 'a+');
  } finally {
    rmSync(folder, { recursive: true });
  }
}

/** The child's own output goes there, even if that of this program is closed. */
const isNoStream = (fd: number): boolean => fd > 2;

/** Opens as many as are wanted, has them used, and closes them. */
function withScratch<T>(count: number, use: (...fds: number[]) => T): T {
  const fds: number[] = [];
  try {
    while (fds.filter(isNoStream).length < count) fds.push(openScratch());
    return use(...fds.filter(isNoStream));
  } finally {
    for (const fd of fds) closeSync(fd);
  }
}

// --- In the child ---

function notSynchronous(): Error {
  return preforkError(
    'ERR_PREFORK_INVALID_ARG_TYPE',
    'Expected a synchronous function for work but it returned a promise, which forkSync() cannot wait for',
    { Base: TypeError },
  );
}

/** A loop that turned would go on with the whole program: nothing can be waited for in here. */
function answerOf(work: () => unknown): Answer {
  try {
    const value = work();
    if (typeof (value as PromiseLike<unknown> | null | undefined)?.then === 'function')
      throw notSynchronous();
    serialize(value);
    return { value };
  } catch (error) {
    return thrownAnswer(error);
  }
}

function redirect(outputs: readonly number[] | 'nowhere'): void {
  const fds = outputs === 'nowhere' ? [1, 2].map(() => openSync('/dev/null', 'w')) : outputs;
  fds.forEach((fd, i) => {
    check(binding.process_dup2(fd, i + 1, true), 'dup2');
  });
}

function runInChild(work: () => unknown, answerTo: number, outputs: readonly number[] | 'nowhere'): never {
  const processes = new Set([binding.wait_real_process(), process]);
  try {
    exitAtOnce(processes);
    redirect(outputs);
    writeDirectly(processes);
    const answer = answerOf(work);
    writeAll(answerTo, serialize(answer));
    return binding.process_exit('thrown' in answer ? 1 : Number(process.exitCode ?? 0));
  } catch (error) {
    return leaveWith(error, answerTo);
  }
}

/** Also where nothing can be said of it: whoever called forkSync() must not go on in the child. */
function leaveWith(error: unknown, answerTo: number): never {
  try {
    writeInstead(answerTo, serialize(thrownAnswer(error)));
  } catch {
    // The parent has the status.
  }
  return binding.process_exit(1);
}

// --- In the parent ---

interface End {
  status: number;
  isLate: boolean;
}

/** Waits for the child, and kills it when its time is over; also if a signal listener throws meanwhile. */
function awaitEnd(pid: number, timeout: number | undefined): End {
  const end = performance.now() + (timeout ?? Number.POSITIVE_INFINITY);
  let isLate = false;
  const left = () => (isLate ? Number.POSITIVE_INFINITY : Math.max(0, end - performance.now()));
  const look = () => {
    const [found, status] = waitNow(pid, WNOHANG);
    if (found !== 0) return { status, isLate };
    if (left() === 0) {
      isLate = true;
      process.kill(pid, 'SIGKILL');
    }
    return undefined;
  };
  try {
    return blockUntil('waitpid', look, { within: left });
  } catch (error) {
    process.kill(pid, 'SIGKILL');
    blockUntil('waitpid', () => (waitNow(pid, WNOHANG)[0] === 0 ? undefined : true));
    throw error;
  }
}

function errorOf(answer: Answer | undefined, isLate: boolean, timeout: number | undefined): unknown {
  if (isLate) {
    return preforkError(
      'ERR_PREFORK_TIMEOUT',
      `The child of forkSync() was not done after ${timeout} ms, and was killed`,
    );
  }
  return answer !== undefined && 'thrown' in answer ? thrownBy(answer) : undefined;
}

const OPTIONS = ['timeout', 'stdio'] as const satisfies readonly (keyof ForkSyncOptions)[];

function checked(options: ForkSyncOptions): Required<Pick<ForkSyncOptions, 'stdio'>> & ForkSyncOptions {
  knownOptions('options', object('options', options), OPTIONS);
  const { timeout, stdio = 'pipe' } = options;
  if (timeout !== undefined) integer('options.timeout', timeout, 1, LONGEST);
  if (!KINDS.includes(stdio)) throw invalidType('options.stdio', "'pipe', 'inherit' or 'ignore'", stdio);
  return { stdio, ...(timeout === undefined ? {} : { timeout }) };
}

/**
 * Calls `work` in a forked child, waits for it, and tells what became of it.
 *
 * **In the child** `work` finds everything as it was, and what it changes stays in there. It must be synchronous: nothing
 * turns the event loop for a promise. Whatever happens the child leaves by `_exit()`, when `work` returns, throws or calls
 * `process.exit()`: it goes on with nothing of this program, no listener of 'exit' is called, no test runner reports twice,
 * and nobody saves coverage or snapshots for it.
 *
 * **In the parent** it blocks the thread and its event loop, but not signals: in the main thread their listeners run at
 * once. What one of them throws kills the child and comes out of here.
 *
 * Values and errors are copied as by `v8.serialize()`. A value that cannot be is an error of the child's.
 *
 * @throws what `fork()` throws; SystemError of node:fs if there can be no temporary files
 * @throws TypeError `ERR_PREFORK_INVALID_ARG_TYPE`, RangeError `ERR_PREFORK_OUT_OF_RANGE`
 */
export function forkSync<T>(work: () => T, options: ForkSyncOptions = {}): ForkSyncResult<T> {
  callable('work', work);
  const { timeout, stdio } = checked(options);
  return withScratch(stdio === 'pipe' ? 3 : 1, (answerTo = -1, ...piped) => {
    const [pid, end] = runAndWait(work, answerTo, stdio === 'ignore' ? 'nowhere' : piped, timeout);
    const answer = readAnswer(answerTo, WIFSIGNALED(end.status));
    return resultOf<T>(pid, end, answer, piped, timeout);
  });
}

function runAndWait(
  work: () => unknown,
  answerTo: number,
  outputs: readonly number[] | 'nowhere',
  timeout: number | undefined,
): [pid: number, end: End] {
  const pid = fork();
  if (pid === 0) {
    /* child */
    runInChild(work, answerTo, outputs);
  }
  /* parent */
  return [pid, awaitEnd(pid, timeout)];
}

function resultOf<T>(
  pid: number,
  { status, isLate }: End,
  answer: Answer | undefined,
  piped: readonly number[],
  timeout: number | undefined,
): ForkSyncResult<T> {
  const [stdout = '', stderr = ''] = piped.map((fd) => readWhole(fd).toString());
  const isKilled = WIFSIGNALED(status);
  return {
    pid,
    status: isKilled ? null : WEXITSTATUS(status),
    signal: isKilled ? signalName(WTERMSIG(status)) : null,
    value: answer !== undefined && 'value' in answer ? (answer.value as T) : undefined,
    error: errorOf(answer, isLate, timeout),
    stdout,
    stderr,
  };
}
