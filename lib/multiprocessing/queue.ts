import { deserialize, serialize } from 'node:v8';
import { integer } from '../base/arguments';
import { Crowd } from './crowd';
import { Empty, Full, invalidState } from './errors';
import { STATE_AT } from './line';
import { ring, self } from './members';
import { MessageFile } from './message-file';
import { inside } from './section';
import { sharedPages } from './shared-block';
import { Turnstile } from './turnstile';

const SELECTOR = STATE_AT;

/** What the three kinds of queues have in common: any number of processes put messages in and get them out. */
class Messages {
  readonly #section: Int32Array;
  readonly #file: MessageFile;
  readonly #most: number;
  readonly #getters: Turnstile<Buffer>;
  readonly #putters: Turnstile<true, Uint8Array>;
  readonly #joiners: Crowd;
  #isClosed = false;

  constructor(most: number) {
    this.#most = most;
    const [getters, putters, joiners, copies] = sharedPages(4) as [
      Int32Array,
      Int32Array,
      Int32Array,
      Int32Array,
    ];
    this.#section = getters;
    this.#file = new MessageFile(copies, getters, SELECTOR);
    this.#getters = new Turnstile(getters, { pass: () => this.#take(), isOpen: () => this.count > 0 });
    this.#putters = new Turnstile(
      putters,
      { pass: (_own, bytes) => this.#add(bytes), isOpen: () => !this.isFull },
      getters,
    );
    this.#joiners = new Crowd(joiners, getters);
  }

  checkOpen(): void {
    if (this.#isClosed) throw invalidState('Queue is closed');
  }

  get count(): number {
    this.checkOpen();
    return this.#file.read().count;
  }

  get isFull(): boolean {
    return this.#most > 0 && this.count >= this.#most;
  }

  #add(bytes: Uint8Array): true | undefined {
    if (this.isFull) return undefined;
    const next = this.#file.append(bytes);
    this.#getters.ringFirst();
    this.#file.commit(next);
    return true;
  }

  #take(): Buffer | undefined {
    if (this.count === 0) return undefined;
    const { tail } = this.#file.read();
    const [bytes, next] = this.#file.first();
    if (this.#most > 0) this.#putters.ringFirst();
    this.#file.commit(next);
    this.#file.forget(tail);
    return bytes;
  }

  async put(value: unknown, timeout: number | null): Promise<void> {
    this.checkOpen();
    if (!(await this.#putters.wait(timeout, serialize(value)))) throw new Full();
  }

  putSync(value: unknown, timeout: number | null): void {
    this.checkOpen();
    if (!this.#putters.block(timeout, serialize(value))) throw new Full();
  }

  async get(timeout: number | null): Promise<unknown> {
    this.checkOpen();
    const bytes = await this.#getters.wait(timeout);
    if (bytes === undefined) throw new Empty();
    return deserialize(bytes);
  }

  getSync(timeout: number | null): unknown {
    this.checkOpen();
    const bytes = this.#getters.block(timeout);
    if (bytes === undefined) throw new Empty();
    return deserialize(bytes);
  }

  taskDone(): void {
    inside(this.#section, () => {
      const state = this.#file.read();
      if (state.unfinished === 0) throw invalidState('task_done() called too many times');
      if (state.unfinished === 1) this.#joiners.ringAll();
      this.#file.commit({ ...state, unfinished: state.unfinished - 1 });
    });
  }

  async join(): Promise<void> {
    await this.#joiners.wait(() => (this.#file.read().unfinished === 0 ? true : undefined), null);
  }

  /** Whoever waits in this process looks, and is told. */
  close(): void {
    if (this.#isClosed) return;
    this.#isClosed = true;
    this.#file.close();
    ring(self().identity);
  }
}

/** Messages between any number of processes, first in, first out. */
export class Queue<T = unknown> {
  /** @internal */
  protected readonly messages: Messages;

  /**
   * Make it before the fork: it is shared with all children that this process forks later, by whatever way, and with theirs.
   *
   * Messages are kept in memory that all processes share, not in those that have put them in: these may end at once.
   *
   * @param maxsize how many messages there can be; 0: any number
   * @throws TypeError `ERR_PREFORK_INVALID_ARG_TYPE`, RangeError `ERR_PREFORK_OUT_OF_RANGE`
   * @throws Error `ERR_PREFORK_UNSUPPORTED` in a worker thread; SystemError `ENOMEM`, `EMFILE`
   */
  constructor(maxsize = 0) {
    this.messages = new Messages(integer('maxsize', maxsize, 0, 2 ** 31 - 1));
  }

  /**
   * Puts a copy of `value` in, as by `v8.serialize()`, when there is room and it is this caller's turn. The event loop goes on
   * meanwhile, and is kept alive.
   *
   * @param timeout seconds; 0: at once or not at all, past all that wait; null, the default: no limit
   * @throws Full if there was no room in time
   * @throws Error `ERR_PREFORK_INVALID_STATE` if it was closed; `DataCloneError`; SystemError `ENOMEM`, `ENOSPC` if there is no
   *   memory for it; TypeError `ERR_PREFORK_INVALID_ARG_TYPE`; all as rejections
   */
  put(value: T, timeout: number | null = null): Promise<void> {
    return this.messages.put(value, timeout);
  }

  /** The same, blocking the thread and its event loop, but not signals, as `sleep()` does. */
  putSync(value: T, timeout: number | null = null): void {
    this.messages.putSync(value, timeout);
  }

  /** The same, at once: it returns when the message is in. */
  putNowait(value: T): void {
    this.messages.putSync(value, 0);
  }

  /**
   * Takes the first message, when there is one and it is this caller's turn. The event loop goes on meanwhile, and is kept
   * alive. A process that is killed before it has taken it leaves it to the others.
   *
   * @param timeout seconds; 0: at once or not at all, past all that wait; null, the default: no limit
   * @throws Empty if there was none in time
   * @throws Error `ERR_PREFORK_INVALID_STATE` if it was closed, also meanwhile; TypeError `ERR_PREFORK_INVALID_ARG_TYPE`; all as
   *   rejections
   */
  get(timeout: number | null = null): Promise<T> {
    return this.messages.get(timeout) as Promise<T>;
  }

  /** The same, blocking the thread and its event loop, but not signals, as `sleep()` does. */
  getSync(timeout: number | null = null): T {
    return this.messages.getSync(timeout) as T;
  }

  /** The same, at once. */
  getNowait(): T {
    return this.messages.getSync(0) as T;
  }

  /** How many messages there are at this moment. */
  qsize(): number {
    return this.messages.count;
  }

  /** Whether there is none at this moment. */
  empty(): boolean {
    return this.messages.count === 0;
  }

  /** Whether there is no room at this moment. */
  full(): boolean {
    return this.messages.isFull;
  }

  /** Closes it for this process: what it has put in stays. Whoever waits in this process gets `ERR_PREFORK_INVALID_STATE`. */
  close(): void {
    this.messages.close();
  }
}

/** A queue that knows whether all that was put in has been dealt with. */
export class JoinableQueue<T = unknown> extends Queue<T> {
  /**
   * One of the messages that were got out has been dealt with.
   * @throws Error `ERR_PREFORK_INVALID_STATE` if it is called more often than messages were put in
   */
  taskDone(): void {
    this.messages.taskDone();
  }

  /** Waits until `taskDone()` was called for each message. The event loop goes on meanwhile, and is kept alive. */
  join(): Promise<void> {
    return this.messages.join();
  }
}

/** A queue without bounds and with little to it. */
export class SimpleQueue<T = unknown> {
  readonly #messages = new Messages(0);

  /** Puts a copy of `value` in, at once: as `Queue.putNowait()`. */
  put(value: T): void {
    this.#messages.putSync(value, 0);
  }

  /** Takes the first message: as `Queue.get()`. */
  get(): Promise<T> {
    return this.#messages.get(null) as Promise<T>;
  }

  /** Whether there is none at this moment. */
  empty(): boolean {
    return this.#messages.count === 0;
  }

  /** Closes it for this process. */
  close(): void {
    this.#messages.close();
  }
}
