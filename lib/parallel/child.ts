/** A quiet child in a process group of its own: how it begins, how it is ended, and what its end means. */
import { constants } from 'node:os';
import { integer } from '../base/arguments';
import { binding } from '../base/binding';
import { abortError, check, preforkError } from '../base/errors';
import { delay } from '../base/timers';
import { exitAtOnce, writeDirectly } from '../fork/apart';
import { forkQuietly } from '../fork/quiet-child';
import { signalName, WEXITSTATUS, WIFSIGNALED, WTERMSIG } from '../wait/status';
import { ended } from '../wait/wait-async';
import { WNOHANG, waitNow } from '../wait/wait-now';
import { MemoryLimit } from './memory-limit';
import { onAbort } from './on-abort';

/** What a child may take. */
export interface Confines {
  /** Added to its niceness. */
  nice?: number;
  /** Megabytes by which it may grow. */
  memoryLimit?: number;
}

const LONGEST = 0x7fffffff;
/** Milliseconds. */
const LOOK_AGAIN = 20;

export function checkConfines({ nice, memoryLimit }: Confines): void {
  if (nice !== undefined) integer('options.nice', nice, 0, 19);
  if (memoryLimit !== undefined) integer('options.memoryLimit', memoryLimit, 1, LONGEST);
}

// --- In the child ---

/** Its own group, so that it can be ended with all that it has started; it ends so with its parent, too. */
function liveWith(parent: number): void {
  check(binding.process_setpgid(0, 0), 'setpgid');
  check(binding.process_end_with_parent(), 'prctl');
  if (binding.process_getppid() !== parent) binding.process_exit(1); // it has died before that
}

function neverSettles(): Error {
  return preforkError(
    'ERR_PREFORK_CHILD_EXITED',
    'A function in a child returned a promise that is still pending, and nothing is left to settle it',
  );
}

/** From now on `giveUp` is given whatever goes wrong, and ends the process. */
function begin(parent: number, giveUp: (error: unknown) => never): void {
  const processes = new Set([binding.wait_real_process(), process]);
  liveWith(parent);
  exitAtOnce(processes);
  writeDirectly(processes);
  for (const object of processes) {
    object.on('uncaughtException', giveUp).on('beforeExit', () => giveUp(neverSettles()));
  }
}

function confine(nice: number | undefined, limit: MemoryLimit | undefined): void {
  if (nice !== undefined) check(binding.process_nice(nice, new Int32Array(1)), 'nice');
  limit?.begin();
}

// --- In the parent ---

/** With all that it has started. */
function killAll(pid: number): void {
  binding.process_killpg(pid, constants.signals.SIGKILL);
}

function isOver(pid: number): boolean {
  const { P_PID, WEXITED, WNOWAIT, waitid } = require('../wait/wait-id') as typeof import('../wait/wait-id');
  return waitid(P_PID, pid, WEXITED | WNOHANG | WNOWAIT) !== null;
}

/** Where no descriptor of it can be had it is looked at again and again: it runs, and cannot be left to itself. */
async function endOf(pid: number): Promise<void> {
  try {
    await ended(pid);
  } catch {
    while (!isOver(pid)) await delay(LOOK_AGAIN);
  }
}

/** What it has started is killed before its number can be anybody else's. */
async function reaped(pid: number): Promise<number> {
  for (;;) {
    await endOf(pid);
    killAll(pid);
    const [found, status] = waitNow(pid, WNOHANG);
    if (found !== 0) return status;
  }
}

/** How a child ended. */
export interface End {
  status: number;
  /** Its limit, in megabytes, if it has grown by more. */
  outgrown: number | undefined;
}

export class Child {
  readonly pid: number;
  /** When it has ended, and been reaped, with all that it has started. */
  readonly end: Promise<End>;
  readonly #parent = binding.process_getpid();
  #hasEnded = false;

  constructor(pid: number, limit: MemoryLimit | undefined) {
    this.pid = pid;
    this.end = this.#awaitEnd(limit);
    this.end.catch(() => {}); // whoever awaits it hears of it
  }

  /** Not from another child of the same parent, which has a copy of this. */
  kill(): void {
    if (this.#hasEnded || binding.process_getpid() !== this.#parent) return;
    killAll(this.pid);
    binding.process_kill(this.pid, constants.signals.SIGKILL); // it may have left its group
  }

  async #awaitEnd(limit: MemoryLimit | undefined): Promise<End> {
    try {
      const status = await reaped(this.pid);
      return { status, outgrown: limit?.wasReached() === true ? limit.megabytes : undefined };
    } finally {
      this.#hasEnded = true;
      limit?.close();
    }
  }
}

/** Aborted before the fork, there is none; right after it, one that is killed. */
function forked(
  work: () => void,
  limit: MemoryLimit | undefined,
  signal: AbortSignal | undefined,
  beforehand: () => void,
): Promise<Child> {
  return new Promise((resolve, reject) => {
    const isWanted = () => signal?.aborted !== true;
    const isToBeForked = () => {
      if (!isWanted()) return false;
      beforehand();
      return true;
    };
    const stop = onAbort(signal, () => reject(abortError(signal)));
    forkQuietly(work, isToBeForked)
      .then((pid) => {
        binding.process_setpgid(pid, pid); // whoever comes first
        const child = new Child(pid, isWanted() ? limit : undefined);
        if (!isWanted()) child.kill();
        resolve(child);
      }, reject)
      .finally(stop);
  });
}

/**
 * Forks a child that calls `work`. In it, `giveUp` is given whatever goes wrong, and ends it. `beforehand` is called right before
 * each attempt, of which the last one makes the child.
 * @throws Error `ABORT_ERR` if it is aborted before there is a child; whatever forkQuietly() throws
 */
export async function startChild(
  work: () => void,
  giveUp: (error: unknown) => never,
  { nice, memoryLimit }: Confines,
  signal?: AbortSignal,
  beforehand: () => void = () => {},
): Promise<Child> {
  const parent = binding.process_getpid();
  const limit = memoryLimit === undefined ? undefined : new MemoryLimit(memoryLimit);
  const inChild = () => {
    try {
      begin(parent, giveUp);
      confine(nice, limit);
      work();
    } catch (error) {
      giveUp(error);
    }
  };
  try {
    return await forked(inChild, limit, signal, beforehand);
  } catch (error) {
    limit?.close();
    throw error;
  }
}

function outgrownError(megabytes: number): Error {
  return preforkError(
    'ERR_PREFORK_OUT_OF_MEMORY',
    `A child was killed when it had grown by more than ${megabytes} MB since it was forked. ` +
      'Give it less to do at a time, or raise memoryLimit',
  );
}

/** Ways in which V8 ends a process that gets no memory. */
const LIKE_V8_WITHOUT_MEMORY: readonly unknown[] = ['SIGABRT', 'SIGTRAP', 'SIGILL'];

function killedError(status: number, during: string): Error {
  const signal = signalName(WTERMSIG(status));
  const hint = LIKE_V8_WITHOUT_MEMORY.includes(signal)
    ? ': so V8 ends it when its heap is full (--max-old-space-size); standard error says more'
    : signal === 'SIGKILL'
      ? ': the kernel does that, too, when memory runs out'
      : '';
  const error = preforkError('ERR_PREFORK_CHILD_KILLED', `A child was killed by ${signal}${during}${hint}`);
  return Object.assign(error, { signal });
}

function exitedError(status: number, during: string): Error {
  const exitStatus = WEXITSTATUS(status);
  const error = preforkError(
    'ERR_PREFORK_CHILD_EXITED',
    `A child exited with status ${exitStatus}${during}, and without a result: return one instead of calling process.exit()`,
  );
  return Object.assign(error, { status: exitStatus });
}

/** Of a child that ended before it had given what it was to give. `during` says what that was. */
export function failureOf({ status, outgrown }: End, during = ''): Error {
  if (outgrown !== undefined) return outgrownError(outgrown);
  return WIFSIGNALED(status) ? killedError(status, during) : exitedError(status, during);
}
