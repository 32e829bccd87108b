import { AsyncResource } from 'node:async_hooks';
import { availableParallelism } from 'node:os';
import { callable, integer, object } from '../base/arguments';
import { binding } from '../base/binding';
import { abortError, invalidType, preforkError } from '../base/errors';
import { knownOptions } from '../base/option-names';
import { checkAbortSignal } from '../wait/wait-async';
import { type Confines, checkConfines } from './child';
import { chunksFrom, chunksOf, usualChunkSize } from './chunks';
import { Crew } from './crew';
import { Flow } from './flow';
import { checkedInChildOptions, type InChildOptions, inChild } from './in-child';
import { onAbort } from './on-abort';
import { Places } from './places';

/** Options of a `Pool`. */
export interface PoolOptions {
  /** How many children there are at most at a time, 1 to 1024. Default: `os.availableParallelism()`. */
  processes?: number;
  /** After so many items a child ends, and another one takes its place, 1 or more. Default: no limit. */
  maxTasksPerChild?: number;
  /** Called in each child before anything else; a promise is waited for. What it throws fails the call that the child is for. */
  initializer?: () => unknown;
  /** Added to the niceness of each child, 0 to 19. Default: 0. */
  nice?: number;
  /** Megabytes (2^20 bytes) by which each child may grow, 1 or more, as for `inChild()`. Default: no limit. */
  memoryLimit?: number;
}

/** Options of `map()`. */
export interface MapOptions {
  /** How many items a child takes at a time, 1 or more. Default: such that each child comes four times. */
  chunkSize?: number;
  /** Ends the call, and its children, when this is aborted. */
  signal?: AbortSignal;
}

/** Options of `imap()` and `imapUnordered()`. */
export interface ImapOptions {
  /** How many items a child takes at a time, 1 or more. Default: 1. */
  chunkSize?: number;
  /** Ends the call, and its children, when this is aborted. */
  signal?: AbortSignal;
}

type Items<T> = Iterable<T> | AsyncIterable<T>;
type Work<T, R> = (item: T, index: number) => R;

const MOST = 0x7fffffff;
const MOST_PROCESSES = 1024;
const POOL_OPTIONS = [
  'processes',
  'maxTasksPerChild',
  'initializer',
  'nice',
  'memoryLimit',
] as const satisfies readonly (keyof PoolOptions)[];
const MAP_OPTIONS = ['chunkSize', 'signal'] as const satisfies readonly (keyof MapOptions)[];

/** So many chunks of a child's may be begun and not read. */
const AHEAD = 4;

function checkMapOptions(options: MapOptions): void {
  knownOptions('options', object('options', options), MAP_OPTIONS);
  if (options.chunkSize !== undefined) integer('options.chunkSize', options.chunkSize, 1, MOST);
  checkAbortSignal(options.signal);
}

function isIterable(items: unknown): boolean {
  const { [Symbol.iterator]: sync, [Symbol.asyncIterator]: async } = Object(items) as Partial<
    Iterable<unknown> & AsyncIterable<unknown>
  >;
  return typeof sync === 'function' || typeof async === 'function';
}

function closedError(how: 'closed' | 'terminated'): Error {
  return preforkError(
    'ERR_PREFORK_CLOSED',
    `The pool was ${how}: make another one for what is to be done now`,
  );
}

/** What goes on in a pool. A forked child that has a copy of the pool has nothing of this. */
class Business {
  readonly owner = binding.process_getpid();
  readonly places: Places;
  readonly running = new Set<Promise<unknown>>();
  readonly terminated = new AbortController();
  isClosed = false;

  constructor(processes: number) {
    this.places = new Places(processes);
  }

  /** Until `work` settles the pool is not done. */
  track<T>(work: Promise<T>): Promise<T> {
    this.running.add(work);
    work.catch(() => {}).finally(() => this.running.delete(work));
    return work;
  }
}

interface Assembled {
  crew: Crew;
  disband: () => Promise<void>;
}

/** Has `end` be called with the error when a call is aborted, or its pool terminated; until `stop`. */
function endEarly(
  terminated: AbortSignal,
  signal: AbortSignal | undefined,
  end: (error: Error) => void,
): () => void {
  const abort = () => end(abortError(signal));
  const stops = [onAbort(terminated, () => end(closedError('terminated'))), onAbort(signal, abort)];
  if (signal?.aborted === true) abort();
  return () => {
    for (const stop of stops) stop();
  };
}

/**
 * Calls functions in children like those of `inChild()`, as many at a time as it has processes.
 *
 * Each call forks, and finds all memory as it is then: a child that was there before would not know the function, nor what
 * it speaks of. The children of `map()`, `imap()` and `imapUnordered()` are kept for that call, and take one chunk of items
 * after the other. Without a call there are no children.
 *
 * Source: Python's `multiprocessing.Pool`, with the fork context.
 */
export class Pool implements AsyncDisposable {
  readonly #processes: number;
  readonly #maxTasks: number;
  readonly #initializer: (() => unknown) | undefined;
  readonly #confines: Confines;
  #business: Business;

  /**
   * Forks nobody yet.
   * @param options how many children, for how long each, and what each may take
   * @throws TypeError `ERR_PREFORK_INVALID_ARG_TYPE`, RangeError `ERR_PREFORK_OUT_OF_RANGE`
   */
  constructor(options: PoolOptions = {}) {
    knownOptions('options', object('options', options), POOL_OPTIONS);
    const { processes = availableParallelism(), maxTasksPerChild = MOST, initializer } = options;
    const { nice, memoryLimit } = options;
    this.#processes = integer('options.processes', processes, 1, MOST_PROCESSES);
    this.#maxTasks = integer('options.maxTasksPerChild', maxTasksPerChild, 1, MOST);
    if (initializer !== undefined) callable('options.initializer', initializer);
    checkConfines(options);
    this.#initializer = initializer;
    this.#confines = {
      ...(nice === undefined ? {} : { nice }),
      ...(memoryLimit === undefined ? {} : { memoryLimit }),
    };
    this.#business = new Business(this.#processes);
  }

  /**
   * `inChild(work, options)`, as soon as there is room for a child. `timeout` begins with the fork.
   * @throws as `inChild()`; Error `ERR_PREFORK_CLOSED` if the pool is closed, or terminated meanwhile
   */
  async run<T, P = unknown>(
    work: (progress: (value: P) => void) => T,
    options: InChildOptions<P> = {},
  ): Promise<Awaited<T>> {
    callable('work', work);
    checkedInChildOptions(options);
    const business = this.#open();
    const cut = new AbortController();
    const stop = endEarly(business.terminated.signal, options.signal, (error) => cut.abort(error));
    const whole = AsyncResource.bind(this.#initialised(work));
    const limits = { ...this.#confines, ...options, signal: cut.signal };
    const begin = () => inChild<unknown, P>(whole, limits) as Promise<Awaited<T>>;
    try {
      return await business.track(business.places.use(begin, cut.signal));
    } catch (error) {
      throw cut.signal.aborted ? cut.signal.reason : error;
    } finally {
      stop();
    }
  }

  /**
   * Calls `work` with each of the items and its index, in children, and resolves to what it returns, in the order of the items.
   * Promises are waited for, one item of a child after the other. The first error rejects, and ends the others.
   * @param items a list of them is made at once. What is in it is not copied: a child finds it as it is at the fork
   * @param work what to call
   * @param options how many items at a time, and what ends it
   * @throws what `work` throws, and as `run()`; who was killed or exited had the items in hand that the message names
   */
  async map<T, R>(
    items: Iterable<T>,
    work: (item: T, index: number) => R,
    options: MapOptions = {},
  ): Promise<Awaited<R>[]> {
    callable('work', work);
    checkMapOptions(options);
    const list = [...items];
    const size = this.#chunkSize(options, usualChunkSize(list.length, this.#processes));
    const { crew, disband } = this.#assemble(list, work, options);
    try {
      const answers = Array.from(chunksOf(list.length, size), (chunk) => crew.do(chunk));
      crew.complete();
      return (await Promise.all(answers)).flat() as Awaited<R>[];
    } finally {
      await disband();
    }
  }

  /**
   * As `map()`, but yields each answer when it and all before it are there, and begins no more than its reader takes: there
   * may be items without end. Whoever stops reading ends the children. Nothing is begun before the first is asked for.
   * @param items of an array only numbers are sent to the children; items of another iterable come into being later, and are
   *   copied to them as by `v8.serialize()`
   * @param work what to call
   * @param options how many items at a time, and what ends it
   * @throws as `map()`, at the first item that is not there, and what `items` throws
   */
  imap<T, R>(
    items: Iterable<T> | AsyncIterable<T>,
    work: (item: T, index: number) => R,
    options: ImapOptions = {},
  ): AsyncGenerator<Awaited<R>, void, undefined> {
    return this.#yieldAnswers(items, work, options, true);
  }

  /**
   * As `imap()`, but yields each answer as soon as it is there.
   * @param items see `imap()`
   * @param work what to call
   * @param options how many items at a time, and what ends it
   * @throws as `imap()`, as soon as something fails
   */
  imapUnordered<T, R>(
    items: Iterable<T> | AsyncIterable<T>,
    work: (item: T, index: number) => R,
    options: ImapOptions = {},
  ): AsyncGenerator<Awaited<R>, void, undefined> {
    return this.#yieldAnswers(items, work, options, false);
  }

  /** Takes no more calls. Resolves when those that it has are done, as `join()` does. */
  close(): Promise<void> {
    this.#mine().isClosed = true;
    return this.join();
  }

  /** Ends all children at once: what is not done rejects with `ERR_PREFORK_CLOSED`. Resolves when they have ended. */
  terminate(): Promise<void> {
    this.#mine().terminated.abort();
    return this.close();
  }

  /**
   * Resolves when all calls are done, and all children have ended.
   * @throws Error `ERR_PREFORK_BUSY` if the pool is neither closed nor terminated, and could be given another call
   */
  async join(): Promise<void> {
    const { running, isClosed } = this.#mine();
    if (!isClosed)
      throw preforkError('ERR_PREFORK_BUSY', 'The pool is open: close() or terminate() it, then join() it');
    while (running.size > 0) await Promise.allSettled(running);
  }

  /** At the end of `await using`: `terminate()`, as at the end of Python's `with`. */
  [Symbol.asyncDispose](): Promise<void> {
    return this.terminate();
  }

  /** Of this process: a child has a copy of the pool, but none of the parent's calls and children. */
  #mine(): Business {
    if (this.#business.owner !== binding.process_getpid()) this.#business = new Business(this.#processes);
    return this.#business;
  }

  #open(): Business {
    const business = this.#mine();
    if (business.terminated.signal.aborted) throw closedError('terminated');
    if (business.isClosed) throw closedError('closed');
    return business;
  }

  #initialised<T, P>(work: (progress: (value: P) => void) => T): (progress: (value: P) => void) => unknown {
    const initializer = this.#initializer;
    if (initializer === undefined) return work;
    return async (progress) => {
      await initializer();
      return work(progress);
    };
  }

  #chunkSize({ chunkSize }: MapOptions, usual: number): number {
    return Math.min(chunkSize ?? usual, this.#maxTasks);
  }

  /** Children that are there for one call alone, until it disbands them; they are forked when they are needed. */
  #assemble<T, R>(list: readonly T[] | undefined, work: Work<T, R>, { signal }: MapOptions): Assembled {
    const business = this.#open();
    const service = {
      initializer: this.#initializer,
      list,
      work: AsyncResource.bind(work as Work<unknown, unknown>),
    };
    const crew = new Crew(service, {
      processes: this.#processes,
      maxTasks: this.#maxTasks,
      confines: this.#confines,
      places: business.places,
    });
    let disbanded = () => {};
    business.track(new Promise<void>((resolve) => (disbanded = resolve)));
    const stop = endEarly(business.terminated.signal, signal, (error) => {
      crew.dismiss(error);
      // The reader who would disband them need not read on.
      void crew.ended().then(disbanded);
    });
    const disband = async () => {
      stop();
      crew.dismiss(closedError('closed')); // of a reader that has left there may be some
      await crew.ended();
      disbanded();
    };
    return { crew, disband };
  }

  #yieldAnswers<T, R>(
    items: Items<T>,
    work: Work<T, R>,
    options: ImapOptions,
    isOrdered: boolean,
  ): AsyncGenerator<Awaited<R>, void, undefined> {
    callable('work', work);
    checkMapOptions(options);
    if (!isIterable(items)) throw invalidType('items', 'an iterable', items);
    this.#open();
    return this.#answers(items, work, options, isOrdered);
  }

  async *#answers<T, R>(
    items: Items<T>,
    work: Work<T, R>,
    options: ImapOptions,
    isOrdered: boolean,
  ): AsyncGenerator<Awaited<R>, void, undefined> {
    const size = this.#chunkSize(options, 1);
    const list = Array.isArray(items) ? [...(items as T[])] : undefined;
    const chunks = list === undefined ? chunksFrom(items, size) : chunksOf(list.length, size);
    const { crew, disband } = this.#assemble(list, work, options);
    try {
      const answers = new Flow(crew, chunks, AHEAD * this.#processes, isOrdered).read();
      yield* answers as AsyncGenerator<Awaited<R>, void, undefined>;
    } finally {
      await disband();
    }
  }
}
