import { integer } from '../base/arguments';
import { invalidState } from './errors';
import { STATE_AT } from './line';
import { inside } from './section';
import { sharedPages } from './shared-block';
import { type Gate, Turnstile } from './turnstile';

const VALUE = STATE_AT;
/** SEM_VALUE_MAX */
const MOST = 2 ** 31 - 1;

/** A number of permits, which processes take and give back; those that wait get them in the order in which they came. */
export class Semaphore {
  readonly #page: Int32Array;
  readonly #most: number;
  readonly #turnstile: Turnstile<true>;

  /**
   * Make it before the fork: it is shared with all children that this process forks later, by whatever way, and with theirs.
   *
   * @param value how many permits there are at first
   * @throws TypeError `ERR_PREFORK_INVALID_ARG_TYPE`, RangeError `ERR_PREFORK_OUT_OF_RANGE`
   * @throws Error `ERR_PREFORK_UNSUPPORTED` in a worker thread; SystemError `ENOMEM`
   */
  constructor(value = 1) {
    this.#most = this.most(value);
    const [page = new Int32Array(0)] = sharedPages(1);
    page[VALUE] = integer('value', value, 0, MOST);
    this.#page = page;
    this.#turnstile = new Turnstile(page, this.#gate());
  }

  /** @internal */
  protected most(_value: number): number {
    return MOST;
  }

  #gate(): Gate<true> {
    const page = this.#page;
    return {
      pass: () => {
        const value = page[VALUE] ?? 0;
        if (value === 0) return undefined;
        page[VALUE] = value - 1;
        return true;
      },
      isOpen: () => page[VALUE] !== 0,
    };
  }

  /**
   * Takes a permit, when it is this caller's turn. The event loop goes on meanwhile, and is kept alive.
   *
   * @param timeout seconds; 0: at once or not at all, past all that wait; null, the default: no limit
   * @returns whether it has one; false: not in time
   * @throws TypeError `ERR_PREFORK_INVALID_ARG_TYPE`
   */
  async acquire(timeout: number | null = null): Promise<boolean> {
    return (await this.#turnstile.wait(timeout)) ?? false;
  }

  /** The same, blocking the thread and its event loop, but not signals, as `sleep()` does. */
  acquireSync(timeout: number | null = null): boolean {
    return this.#turnstile.block(timeout) ?? false;
  }

  /**
   * Gives a permit back, or makes one more: any process may.
   *
   * @throws Error `ERR_PREFORK_INVALID_STATE` if there are as many as there can be
   */
  release(): void {
    inside(this.#page, () => {
      const value = this.#page[VALUE] ?? 0;
      if (value >= this.#most) throw invalidState('semaphore or lock released too many times');
      this.#turnstile.ringFirst();
      this.#page[VALUE] = value + 1;
    });
  }

  /** How many permits there are now: Python's `get_value()`. */
  getValue(): number {
    return Atomics.load(this.#page, VALUE);
  }

  /** Calls `work` with a permit, which is given back when it has returned, thrown, or its promise has settled: `with semaphore:` */
  async with<T>(work: () => T): Promise<Awaited<T>> {
    await this.acquire();
    try {
      return await work();
    } finally {
      this.release();
    }
  }
}

/** A semaphore of which no more permits can be given back than there were at first. */
export class BoundedSemaphore extends Semaphore {
  /** @internal */
  protected override most(value: number): number {
    return value;
  }
}
