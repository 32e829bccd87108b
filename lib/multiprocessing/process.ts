import { AsyncResource } from 'node:async_hooks';
import { closeSync, openSync } from 'node:fs';
import { constants } from 'node:os';
import { inspect } from 'node:util';
import { boolean, callable, isThenable, object, string } from '../base/arguments';
import { binding } from '../base/binding';
import { writeToStderr } from '../base/blocking-write';
import { check, systemError } from '../base/errors';
import { onePerProcess } from '../base/one-per-process';
import { knownOptions } from '../base/option-names';
import { clearTimeout, setInterval, setTimeout } from '../base/timers';
import { exitAtOnce, writeDirectly } from '../fork/apart';
import { forkQuietly } from '../fork/quiet-child';
import { blockUntil } from '../wait/block';
import { waitstatusToExitcode } from '../wait/status';
import { WNOHANG, waitNow } from '../wait/wait-now';
import { invalidState } from './errors';
import { inEachChild } from './members';
import { timeLimit, whenReady } from './news';

/** Options of `Process`. */
export interface ProcessOptions<A extends unknown[] = unknown[]> {
  /** What the function is called with. Default: nothing. */
  args?: A;
  /** Default: `Process-1`, `Process-2`, …; `Process-1:1` in a child of the first. */
  name?: string;
  /**
   * It is terminated when this process ends, and may have no children itself. Default: what this process is, so false in the
   * program that was started.
   */
  daemon?: boolean;
}

const OPTIONS = ['args', 'name', 'daemon'] as const satisfies readonly (keyof ProcessOptions)[];
const LONGEST = 2 ** 31 - 1;
/** Where no descriptor of a process can be had, it is looked at so often. */
const LOOK_AGAIN = 20; // ms
/** What Node exits with when a promise is awaited that nothing can settle any more. */
const UNSETTLED = 13;
const STDIN = 0;

/** Any process of this family, as it is known in this one. */
export interface KnownProcess {
  /** What it is called. */
  readonly name: string;
  /** Null before it was started. */
  readonly pid: number | null;
  /** Whether it is one that ends with its parent. */
  readonly daemon: boolean;
}

interface Current extends KnownProcess {
  readonly identity: readonly number[];
}

const MAIN: Current = {
  name: 'MainProcess',
  daemon: false,
  identity: [],
  get pid() {
    return binding.process_getpid();
  },
};

const state = onePerProcess('multiprocessing processes', () => ({
  current: MAIN as Current,
  parent: null as KnownProcess | null,
  /** How many were made here. */
  made: 0,
  children: new Set<Process>(),
  isPrepared: false,
}));

const collected = new FinalizationRegistry<number>((fd) => closeSync(fd));

/** In the child of any fork: they are its siblings. */
function forgetChildren(): void {
  for (const child of state.children) child.forget();
  state.children.clear();
  state.made = 0;
}

/** Daemons are told to end, and all are waited for, as Python does it at exit: nothing else is left to do. */
function endChildren(): void {
  for (const child of activeChildren()) if (child.daemon) child.terminate();
  for (const child of activeChildren()) child.await();
}

function prepare(): void {
  if (state.isPrepared) return;
  state.isPrepared = true;
  inEachChild(forgetChildren);
  process.on('exit', endChildren);
}

// --- In the child ---

function leave(status: unknown): never {
  try {
    endChildren();
  } catch (error) {
    writeToStderr(`${inspect(error)}\n`);
  }
  return binding.process_exit(Number(status ?? process.exitCode ?? 0));
}

function fail(name: string, error: unknown): never {
  writeToStderr(`Process ${name}:\n${error instanceof Error ? (error.stack ?? error) : inspect(error)}\n`);
  return leave(1);
}

function readNothing(): void {
  const nothing = openSync('/dev/null', 'r');
  if (nothing === STDIN) return;
  check(binding.process_dup2(nothing, STDIN, true), 'dup2');
  closeSync(nothing);
}

function endWithParent(parent: number): void {
  check(binding.process_parent_death_signal(constants.signals.SIGTERM), 'prctl');
  if (binding.process_getppid() !== parent) binding.process_exit(1); // it has ended before that
}

/** Like a program that consists of this function: it ends when that is done and nothing is left on its event loop. */
function runInChild(work: () => unknown, own: Current, parent: KnownProcess): void {
  const processes = new Set([binding.wait_real_process(), process]);
  let isDone = false;
  state.current = own;
  state.parent = parent;
  try {
    if (own.daemon && parent.pid !== null) endWithParent(parent.pid);
    exitAtOnce(processes);
    writeDirectly(processes);
    readNothing();
    for (const each of processes) {
      Object.defineProperty(each, 'exit', { value: leave, configurable: true });
      each.on('uncaughtException', (error) => fail(own.name, error));
      each.on('beforeExit', () => leave(isDone ? undefined : UNSETTLED));
    }
    const value = work();
    if (!isThenable(value)) isDone = true;
    else {
      value.then(
        () => {
          isDone = true;
        },
        (error) => fail(own.name, error),
      );
    }
  } catch (error) {
    fail(own.name, error);
  }
}

// --- In the parent ---

/** A descriptor that can be read, and says nothing but that it is at its end. */
function openEnd(): number {
  const ends = new Int32Array(2);
  check(binding.process_pipe(ends), 'pipe');
  const [reading = -1, writing = -1] = ends;
  closeSync(writing);
  return reading;
}

/** A function in a process of its own: Python's `multiprocessing.Process`, with the fork context. */
export class Process implements KnownProcess {
  readonly #work: () => unknown;
  readonly #parent = binding.process_getpid();
  readonly #parentName = state.current.name;
  /** @internal */
  readonly identity: readonly number[];
  #name: string;
  #daemon: boolean;
  #started: Promise<void> | undefined;
  #pid: number | null = null;
  #exitcode: number | null = null;
  #hasEnded = false;
  #isClosed = false;
  #sentinel = -1;
  #stopWatching: () => void = () => {};
  #tellEnd: () => void = () => {};
  readonly #end = new Promise<void>((resolve) => {
    this.#tellEnd = resolve;
  });

  /**
   * Nothing is forked before `start()`.
   *
   * @param work called in the child; a closure, which finds everything as it is in this process at the moment of the fork
   * @throws TypeError `ERR_PREFORK_INVALID_ARG_TYPE`, `ERR_PREFORK_INVALID_ARG_VALUE`
   */
  constructor(work: (...args: never[]) => unknown, options: ProcessOptions = {}) {
    callable('work', work);
    knownOptions('options', object('options', options), OPTIONS);
    const { args = [], name, daemon } = options;
    this.identity = [...state.current.identity, ++state.made];
    this.#name = name === undefined ? `Process-${this.identity.join(':')}` : string('options.name', name);
    this.#daemon = daemon === undefined ? state.current.daemon : boolean('options.daemon', daemon);
    this.#work = () => (work as (...args: unknown[]) => unknown)(...args);
  }

  #checkOpen(): void {
    if (this.#isClosed) throw invalidState('process object is closed');
  }

  #checkMine(what: string): void {
    if (this.#parent !== binding.process_getpid()) throw invalidState(`can only ${what} a child process`);
  }

  /** What it is called. */
  get name(): string {
    return this.#name;
  }

  set name(name: string) {
    this.#name = string('name', name);
  }

  /** Whether it is terminated when its parent ends. It can be said until it is started. */
  get daemon(): boolean {
    return this.#daemon;
  }

  set daemon(daemon: boolean) {
    if (this.#started !== undefined) throw invalidState('process has already started');
    this.#daemon = boolean('daemon', daemon);
  }

  /**
   * Forks, at the next turn of the event loop: await it where the child is to see what is so now. The rest of the methods may
   * be called at once.
   *
   * **In the child** nothing of this program goes on but the function: as with `inChild()`. It ends when the function has
   * returned, its promise has settled, and nothing is left on its event loop: with `process.exitCode`, or 0. What it throws is
   * printed on standard error, and it ends with 1. Standard input is empty. It leaves by `_exit()`, when its own children have
   * ended.
   *
   * **In the parent** the event loop goes on. When nothing else is left on it, or at `process.exit()`, daemons are terminated,
   * and the others waited for.
   *
   * @throws Error `ERR_PREFORK_INVALID_STATE` if it has been started, by another process, or by a daemon; and whatever
   *   `inChild()` throws where there can be no child; all as rejections
   */
  start(): Promise<void> {
    try {
      this.#checkOpen();
      if (this.#started !== undefined) throw invalidState('cannot start a process twice');
      if (this.#parent !== binding.process_getpid()) {
        throw invalidState('can only start a process object created by current process');
      }
      if (state.current.daemon) {
        throw invalidState('daemonic processes are not allowed to have children');
      }
    } catch (error) {
      return Promise.reject(error);
    }
    prepare();
    this.#started = this.#fork();
    return this.#started;
  }

  async #fork(): Promise<void> {
    const work = AsyncResource.bind(this.#work);
    const parent: KnownProcess = { name: this.#parentName, pid: this.#parent, daemon: state.current.daemon };
    const own: Current = {
      name: this.#name,
      daemon: this.#daemon,
      identity: this.identity,
      get pid() {
        return binding.process_getpid();
      },
    };
    this.#pid = await forkQuietly(() => runInChild(work, own, parent));
    state.children.add(this);
    this.#watch(this.#pid);
  }

  #watch(pid: number): void {
    const stop = this.#watchDescriptor(pid);
    if (stop !== undefined) {
      this.#stopWatching = stop;
      return;
    }
    const timer = setInterval(() => this.#reap(), LOOK_AGAIN).unref();
    this.#stopWatching = () => clearTimeout(timer);
  }

  /** Undefined: there are none here, or no more. */
  #watchDescriptor(pid: number): (() => void) | undefined {
    const fd = binding.process_descriptor(pid);
    if (fd < 0) return undefined;
    try {
      return whenReady(fd, false, () => this.#reap(), false);
    } catch {
      return undefined;
    } finally {
      closeSync(fd);
    }
  }

  #reap(): void {
    if (this.#pid === null || this.#hasEnded || this.#parent !== binding.process_getpid()) return;
    try {
      const [found, status] = waitNow(this.#pid, WNOHANG);
      if (found === 0) return;
      this.#exitcode = waitstatusToExitcode(status);
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'ECHILD') throw error;
    }
    this.#hasEnded = true;
    this.#stopWatching();
    state.children.delete(this);
    this.#tellEnd();
  }

  /** @internal In a child of this process. */
  forget(): void {
    this.#stopWatching = () => {};
  }

  /** @internal Blocks. */
  await(): void {
    blockUntil('waitpid', () => {
      this.#reap();
      return this.#hasEnded || this.#pid === null ? true : undefined;
    });
  }

  /**
   * Waits for its end. The event loop goes on meanwhile, and is kept alive.
   *
   * @param timeout seconds; null, the default: no limit. Whether it has ended, `exitcode` says
   * @throws Error `ERR_PREFORK_INVALID_STATE` if it has not been started, or by another process; as `start()`
   * @throws SystemError `ECHILD` if the program has taken its end by `wait()`
   * @throws TypeError `ERR_PREFORK_INVALID_ARG_TYPE`; all as rejections
   */
  async join(timeout: number | null = null): Promise<void> {
    this.#checkOpen();
    this.#checkMine('join');
    if (this.#started === undefined) throw invalidState('can only join a started process');
    const within = timeLimit(timeout);
    await this.#started;
    this.#reap();
    if (!this.#hasEnded && within !== 0) await this.#ends(within);
    if (this.#hasEnded && this.#exitcode === null) throw systemError(-constants.errno.ECHILD, 'waitpid');
  }

  async #ends(within = LONGEST): Promise<void> {
    let timer: NodeJS.Timeout | undefined;
    // Keeps the loop alive, too.
    const late = new Promise<void>((resolve) => {
      timer = setTimeout(resolve, Math.min(LONGEST, Math.ceil(within)));
    });
    await Promise.race([this.#end, late]);
    clearTimeout(timer);
  }

  /** How it has ended: its status, or minus the number of the signal that ended it; null: not yet. */
  get exitcode(): number | null {
    this.#checkOpen();
    this.#reap();
    return this.#exitcode;
  }

  /** Its number; null before it was forked. */
  get pid(): number | null {
    this.#checkOpen();
    return this.#pid;
  }

  /**
   * A descriptor that can be read when it has ended, for `wait()`: closed by `close()`.
   * @throws Error `ERR_PREFORK_INVALID_STATE` before it was forked; SystemError `ENOSYS` before Linux 5.3
   */
  get sentinel(): number {
    this.#checkOpen();
    if (this.#pid === null) throw invalidState('process not started');
    if (this.#sentinel >= 0) return this.#sentinel;
    this.#sentinel = this.#hasEnded ? openEnd() : check(binding.process_descriptor(this.#pid), 'pidfd_open');
    collected.register(this, this.#sentinel, this);
    return this.#sentinel;
  }

  /** Whether it has been forked and has not ended. */
  isAlive(): boolean {
    this.#checkOpen();
    this.#checkMine('test');
    this.#reap();
    return this.#pid !== null && !this.#hasEnded;
  }

  /** SIGTERM, which ends it unless it listens for that. Nothing, if it has ended. */
  terminate(): void {
    this.#signal(constants.signals.SIGTERM);
  }

  /** SIGKILL. */
  kill(): void {
    this.#signal(constants.signals.SIGKILL);
  }

  #signal(signal: number): void {
    this.#checkOpen();
    this.#checkMine('signal');
    if (this.#pid === null) throw invalidState('process not started');
    this.#reap(); // then its number may be somebody else's
    if (!this.#hasEnded) binding.process_kill(this.#pid, signal);
  }

  /**
   * Gives back what this object has. Nothing can be asked of it afterwards.
   * @throws Error `ERR_PREFORK_INVALID_STATE` while it runs
   */
  close(): void {
    if (this.#isClosed) return;
    this.#reap();
    if (this.#started !== undefined && !this.#hasEnded) {
      throw invalidState(
        'Cannot close a process while it is still running. You should first call join() or terminate().',
      );
    }
    this.#isClosed = true;
    if (this.#sentinel < 0) return;
    collected.unregister(this);
    closeSync(this.#sentinel);
  }
}

/** The process that this is: in a child of `Process` what it is called, otherwise `MainProcess`. */
export function currentProcess(): KnownProcess {
  return state.current;
}

/** The one that has started this one by `Process`; null in others. */
export function parentProcess(): KnownProcess | null {
  return state.parent;
}

/** The children of this process that run: those that have ended are reaped. */
export function activeChildren(): Process[] {
  return [...state.children].filter((child) => child.isAlive());
}
