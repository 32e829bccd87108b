import { integer } from '../base/arguments';
import { monotonic } from '../base/timers';
import { invalidState } from './errors';
import { Line } from './line';
import { type Lock, RLock } from './lock';
import { ring } from './members';
import { type Awaited as Awaits, OwnList, soon, timeLimit, type Wait } from './news';
import { inside } from './section';
import { sharedPages } from './shared-block';

const ALL = 2 ** 31 - 1;

/** Waits, under a lock, until another process says that something has changed. */
export class Condition {
  readonly #lock: Lock | RLock;
  readonly #page: Int32Array;
  /** Once for each that waits: who is taken out is told. */
  readonly #line: Line;
  readonly #waiting = new OwnList<Wait>();

  /**
   * Make it before the fork: it is shared with all children that this process forks later, and with theirs.
   *
   * @param lock the one to hold; by default an `RLock` of its own
   * @throws Error `ERR_PREFORK_UNSUPPORTED` in a worker thread; SystemError `ENOMEM`
   */
  constructor(lock: Lock | RLock = new RLock()) {
    this.#lock = lock;
    const [page = new Int32Array(0)] = sharedPages(1);
    this.#page = page;
    this.#line = new Line(page);
  }

  /** Of its lock. */
  acquire(timeout: number | null = null): Promise<boolean> {
    return this.#lock.acquire(timeout);
  }

  /** Of its lock. */
  release(): void {
    this.#lock.release();
  }

  /** Of its lock: `with condition:` */
  with<T>(work: () => T): Promise<Awaited<T>> {
    return this.#lock.with(work);
  }

  /**
   * Gives the lock back, waits for a `notify()`, and takes the lock again, as often as it was held.
   *
   * @param timeout seconds until it stops waiting, and only then takes the lock; null, the default: no limit
   * @returns whether it was told; false: not in time
   * @throws Error `ERR_PREFORK_INVALID_STATE` if this process does not hold the lock
   * @throws TypeError `ERR_PREFORK_INVALID_ARG_TYPE`; all as rejections
   */
  async wait(timeout: number | null = null): Promise<boolean> {
    const within = timeLimit(timeout);
    const { held } = this.#lock;
    if (held === 0) throw invalidState('must acquire() condition before using wait()');
    const told = soon(this.#notice(), within); // in the line before the lock is given back
    for (let i = 0; i < held; i++) this.#lock.release();
    try {
      return (await told) ?? false;
    } finally {
      for (let i = 0; i < held; i++) await this.#lock.acquire();
    }
  }

  #notice(): Awaits<true> {
    let mine: Wait | undefined;
    /** The first of this process were told: their places in the line are gone, though they may not have looked yet. */
    const countTold = (own: number) => this.#waiting.items.length - this.#line.count(own);
    const isTold = (own: number) => {
      const { items } = this.#waiting;
      const at = items.indexOf(mine as Wait);
      if (at >= countTold(own)) return undefined;
      items.splice(at, 1);
      return true;
    };
    return {
      look: (wait) =>
        inside(this.#page, (own) => {
          if (mine === undefined) {
            this.#line.append(own);
            this.#waiting.items.push(wait);
            mine = wait;
          }
          return isTold(own);
        }),
      leave: () => {
        const { items } = this.#waiting;
        const at = mine === undefined ? -1 : items.indexOf(mine);
        if (at < 0) return;
        inside(this.#page, (own) => {
          const place = at - countTold(own);
          if (place >= 0) this.#line.remove(own, place);
        });
        items.splice(at, 1);
      },
    };
  }

  /**
   * Waits until `predicate` returns something true, which it is asked first, and whenever this was told.
   *
   * @param timeout seconds for all of it; null, the default: no limit
   * @returns what it said last
   * @throws what `predicate` throws, and as `wait()`; all as rejections
   */
  async waitFor<T>(predicate: () => T, timeout: number | null = null): Promise<T> {
    const within = timeLimit(timeout);
    const end = within === undefined ? undefined : monotonic() + within;
    let result = predicate();
    while (!result) {
      const left = end === undefined ? null : (end - monotonic()) / 1000;
      if (left !== null && left <= 0) break;
      await this.wait(left);
      result = predicate();
    }
    return result;
  }

  /**
   * Tells those that have waited longest. One that dies at this moment may have been told in vain.
   *
   * @param count how many, at most
   * @throws Error `ERR_PREFORK_INVALID_STATE` if this process does not hold the lock
   * @throws TypeError `ERR_PREFORK_INVALID_ARG_TYPE`, RangeError `ERR_PREFORK_OUT_OF_RANGE`
   */
  notify(count = 1): void {
    integer('count', count, 0, ALL);
    if (this.#lock.held === 0) throw invalidState('lock is not owned');
    inside(this.#page, () => {
      let left = count;
      for (let next = this.#line.first(); next !== 0 && left > 0; next = this.#line.first()) {
        if (ring(next)) {
          this.#line.remove(next);
          left--;
        } else this.#line.removeAll(next);
      }
    });
  }

  /** Tells all that wait: as `notify()`. */
  notifyAll(): void {
    this.notify(ALL);
  }
}
