import { Crowd } from './crowd';
import { STATE_AT } from './line';
import { inside } from './section';
import { sharedPages } from './shared-block';

/** Whether it is set, in the lowest bit; above, how often it was. */
const SETS = STATE_AT;

/** A flag for which any number of processes can wait. */
export class Event {
  readonly #page: Int32Array;
  readonly #crowd: Crowd;

  /**
   * Make it before the fork, not set: it is shared with all children that this process forks later, and with theirs.
   *
   * @throws Error `ERR_PREFORK_UNSUPPORTED` in a worker thread; SystemError `ENOMEM`
   */
  constructor() {
    const [page = new Int32Array(0)] = sharedPages(1);
    this.#page = page;
    this.#crowd = new Crowd(page);
  }

  /** Whether it is set. */
  isSet(): boolean {
    return (Atomics.load(this.#page, SETS) & 1) === 1;
  }

  /** Sets it: all that wait go on, also if it is cleared at once. */
  set(): void {
    inside(this.#page, () => {
      if (this.isSet()) return;
      this.#crowd.ringAll();
      this.#page[SETS] = (this.#page[SETS] ?? 0) + 3;
    });
  }

  /** Whoever waits from now on waits for the next `set()`. */
  clear(): void {
    inside(this.#page, () => {
      this.#page[SETS] = (this.#page[SETS] ?? 0) & ~1;
    });
  }

  /**
   * Waits until it is set. The event loop goes on meanwhile, and is kept alive.
   *
   * @param timeout seconds; null, the default: no limit
   * @returns whether it was set; false: not in time
   * @throws TypeError `ERR_PREFORK_INVALID_ARG_TYPE`
   */
  async wait(timeout: number | null = null): Promise<boolean> {
    const before = this.#page[SETS] ?? 0;
    return (await this.#crowd.wait(() => this.#isOver(before), timeout)) ?? false;
  }

  /** The same, blocking the thread and its event loop, but not signals, as `sleep()` does. */
  waitSync(timeout: number | null = null): boolean {
    const before = this.#page[SETS] ?? 0;
    return this.#crowd.block(() => this.#isOver(before), timeout) ?? false;
  }

  #isOver(before: number): true | undefined {
    const now = this.#page[SETS] ?? 0;
    return (now & 1) === 1 || now >> 1 !== before >> 1 ? true : undefined;
  }
}
