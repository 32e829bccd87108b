import { integer, invalidValue } from '../base/arguments';
import { invalidType } from '../base/errors';
import { Lock, RLock } from './lock';
import { sharedBytes } from './shared-block';

/** C's sizes on 64 bits. */
const VIEWS = {
  b: Int8Array,
  B: Uint8Array,
  h: Int16Array,
  H: Uint16Array,
  i: Int32Array,
  I: Uint32Array,
  l: BigInt64Array,
  L: BigUint64Array,
  q: BigInt64Array,
  Q: BigUint64Array,
  f: Float32Array,
  d: Float64Array,
} as const;

/** The typed array of each of Python's typecodes. */
export interface Views {
  /** 1 byte. */
  b: Int8Array;
  /** 1 byte, not negative. */
  B: Uint8Array;
  /** 2 bytes. */
  h: Int16Array;
  /** 2 bytes, not negative. */
  H: Uint16Array;
  /** 4 bytes. */
  i: Int32Array;
  /** 4 bytes, not negative. */
  I: Uint32Array;
  /** 8 bytes: bigints. */
  l: BigInt64Array;
  /** 8 bytes, not negative: bigints. */
  L: BigUint64Array;
  /** 8 bytes: bigints. */
  q: BigInt64Array;
  /** 8 bytes, not negative: bigints. */
  Q: BigUint64Array;
  /** 4 bytes, with fractions. */
  f: Float32Array;
  /** 8 bytes, with fractions: what JavaScript computes with. */
  d: Float64Array;
}

/** `b B h H i I f d`, which are numbers; `l L q Q`, which are bigints. */
export type Typecode = keyof Views;

/** The typed array of a typecode. */
export type ViewOf<C extends Typecode> = Views[C];

/** What one element is. */
export type ElementOf<C extends Typecode> = ViewOf<C>[number];

/** Options of `Value` and `SharedArray`. */
export interface SharedOptions {
  /** What `getLock()` returns; by default an `RLock` of its own. */
  lock?: Lock | RLock;
}

function makeView<C extends Typecode>(typecode: C, length: number): ViewOf<C> {
  const View = VIEWS[typecode];
  if (View === undefined) {
    throw invalidValue(
      `Expected one of ${Object.keys(VIEWS).join(' ')} for typecode but received ${typecode}`,
    );
  }
  return new View(sharedBytes(length * View.BYTES_PER_ELEMENT), 0, length) as ViewOf<C>;
}

function lockOf({ lock }: SharedOptions): Lock | RLock {
  if (lock === undefined) return new RLock();
  if (!(lock instanceof Lock) && !(lock instanceof RLock)) throw invalidType('options.lock', 'a lock', lock);
  return lock;
}

/** One number that processes share. */
export class Value<C extends Typecode> {
  readonly #view: ViewOf<C>;
  readonly #lock: Lock | RLock;

  /**
   * Make it before the fork: it is shared with all children that this process forks later, and with theirs.
   *
   * @param typecode `b B h H i I` integers of 1, 2 and 4 bytes; `l L q Q` of 8 bytes, as bigints; `f d` of 4 and 8 bytes
   * @param value what it is at first; 0 by default
   * @throws TypeError `ERR_PREFORK_INVALID_ARG_VALUE`, `ERR_PREFORK_INVALID_ARG_TYPE`
   * @throws Error `ERR_PREFORK_UNSUPPORTED` in a worker thread; SystemError `ENOMEM`
   */
  constructor(typecode: C, value?: ElementOf<C>, options: SharedOptions = {}) {
    this.#view = makeView(typecode, 1);
    this.#lock = lockOf(options);
    if (value !== undefined) this.value = value;
  }

  /** What it is now. `value.value += 1` reads and writes: hold the lock, or use `Atomics.add(value.getObj(), 0, 1)`. */
  get value(): ElementOf<C> {
    return this.#view[0] as ElementOf<C>;
  }

  /** Changes it, for all. */
  set value(value: ElementOf<C>) {
    this.#view[0] = value;
  }

  /** The lock that belongs to it; nothing here takes it. */
  getLock(): Lock | RLock {
    return this.#lock;
  }

  /** The typed array, of one element, that it is: `Atomics` work on those of integers, between processes, too. */
  getObj(): ViewOf<C> {
    return this.#view;
  }
}

/** Numbers that processes share: Python's `Array`. */
export class SharedArray<C extends Typecode> {
  readonly #view: ViewOf<C>;
  readonly #lock: Lock | RLock;

  /**
   * Make it before the fork: it is shared with all children that this process forks later, and with theirs.
   *
   * @param typecode as for `Value`
   * @param sizeOrInitializer how many, all 0; or what they are at first
   * @throws TypeError `ERR_PREFORK_INVALID_ARG_VALUE`, `ERR_PREFORK_INVALID_ARG_TYPE`
   * @throws RangeError `ERR_PREFORK_OUT_OF_RANGE`
   * @throws Error `ERR_PREFORK_UNSUPPORTED` in a worker thread; SystemError `ENOMEM`
   */
  constructor(typecode: C, sizeOrInitializer: number | Iterable<ElementOf<C>>, options: SharedOptions = {}) {
    const isSize = typeof sizeOrInitializer === 'number';
    const values = isSize ? [] : [...sizeOrInitializer];
    const length = isSize
      ? integer('sizeOrInitializer', sizeOrInitializer, 0, Number.MAX_SAFE_INTEGER)
      : values.length;
    this.#view = makeView(typecode, length);
    this.#lock = lockOf(options);
    for (const [i, value] of values.entries()) this.#view[i] = value;
  }

  /** How many there are. */
  get length(): number {
    return this.#view.length;
  }

  /** The typed array that it is, to read, write, and use with `Atomics`. */
  getObj(): ViewOf<C> {
    return this.#view;
  }

  /** The lock that belongs to it; nothing here takes it. */
  getLock(): Lock | RLock {
    return this.#lock;
  }

  /** Over the elements as they are. */
  [Symbol.iterator](): IterableIterator<ElementOf<C>> {
    return this.#view[Symbol.iterator]() as IterableIterator<ElementOf<C>>;
  }
}
