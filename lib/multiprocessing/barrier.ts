import { callable, integer } from '../base/arguments';
import { Crowd } from './crowd';
import { BrokenBarrierError } from './errors';
import { STATE_AT } from './line';
import { timeLimit } from './news';
import { inside } from './section';
import { sharedPages } from './shared-block';

const STATE = STATE_AT;
/** One word: how many have come; whether it is broken; how often it was full, or broken. */
const COUNT_BITS = 12;
const BROKEN_BIT = 2 ** COUNT_BITS;
const MOST_PARTIES = BROKEN_BIT - 1;
const GENERATION_AT = COUNT_BITS + 1;
const GENERATIONS = 2 ** (31 - GENERATION_AT);

/** What became of a generation: for as long as there are words for it. */
const PASSED = 1;
const BROKEN = 2;

/** Where a number of processes wait for each other, again and again. */
export class Barrier {
  readonly #page: Int32Array;
  readonly #outcomes: Int32Array;
  readonly #crowd: Crowd;
  readonly #action: (() => unknown) | undefined;
  readonly #timeout: number | null;
  /** How many have to come. */
  readonly parties: number;

  /**
   * Make it before the fork: it is shared with all children that this process forks later, and with theirs.
   *
   * @param parties how many have to come, at most 4,095
   * @param action called by the last that comes, before all go on
   * @param timeout seconds: the default of `wait()`
   * @throws TypeError `ERR_PREFORK_INVALID_ARG_TYPE`, RangeError `ERR_PREFORK_OUT_OF_RANGE`
   * @throws Error `ERR_PREFORK_UNSUPPORTED` in a worker thread; SystemError `ENOMEM`
   */
  constructor(parties: number, action: (() => unknown) | null = null, timeout: number | null = null) {
    this.parties = integer('parties', parties, 1, MOST_PARTIES);
    this.#action = action === null ? undefined : callable('action', action);
    timeLimit(timeout);
    this.#timeout = timeout;
    const [page = new Int32Array(0), outcomes = new Int32Array(0)] = sharedPages(2);
    this.#page = page;
    this.#outcomes = outcomes;
    this.#crowd = new Crowd(page);
  }

  get #state(): number {
    return Atomics.load(this.#page, STATE);
  }

  get #count(): number {
    return this.#state & MOST_PARTIES;
  }

  get #generation(): number {
    return this.#state >> GENERATION_AT;
  }

  /** Whether it is broken: `wait()` throws until it is reset. */
  get broken(): boolean {
    return (this.#state & BROKEN_BIT) !== 0;
  }

  /** How many wait in it now: Python's `n_waiting`. */
  get nWaiting(): number {
    return this.#count % this.parties;
  }

  /** Within the section: all that wait go on. */
  #end(outcome: number, isBroken: boolean): void {
    const generation = this.#generation;
    this.#crowd.ringAll();
    this.#outcomes[generation % this.#outcomes.length] = outcome;
    const next = ((generation + 1) % GENERATIONS) << GENERATION_AT;
    this.#page[STATE] = isBroken ? next | BROKEN_BIT : next;
  }

  #enter(): { index: number; generation: number } | undefined {
    if (this.broken) throw new BrokenBarrierError();
    const index = this.#count;
    if (index === this.parties) return undefined; // its action is under way
    this.#page[STATE] = this.#state + 1;
    return { index, generation: this.#generation };
  }

  #outcome(generation: number): number | undefined {
    return this.#generation === generation ? undefined : this.#outcomes[generation % this.#outcomes.length];
  }

  #breakIfSame(generation: number): number {
    return inside(this.#page, () => {
      const outcome = this.#outcome(generation);
      if (outcome === undefined) this.#end(BROKEN, true);
      return outcome ?? BROKEN;
    });
  }

  async #release(generation: number): Promise<number> {
    try {
      await this.#action?.();
    } catch (error) {
      this.#breakIfSame(generation);
      throw error;
    }
    return inside(this.#page, () => {
      const outcome = this.#outcome(generation);
      if (outcome === undefined) this.#end(PASSED, false);
      return outcome ?? PASSED;
    });
  }

  /**
   * Waits until as many have come as it takes. The event loop goes on meanwhile, and is kept alive.
   *
   * @param timeout seconds after which the barrier is broken, for all; by default that of the barrier
   * @returns as how many came before this one
   * @throws BrokenBarrierError if it is broken, or is broken or reset meanwhile
   * @throws what `action` throws, by the last that has come: then it is broken for the others; all as rejections
   */
  async wait(timeout: number | null = this.#timeout): Promise<number> {
    timeLimit(timeout);
    const entered = await this.#crowd.wait(() => this.#enter(), null);
    const { index, generation } = entered as NonNullable<typeof entered>;
    const outcome =
      index + 1 === this.parties
        ? await this.#release(generation)
        : await this.#crowd.wait(() => this.#outcome(generation), timeout);
    if ((outcome ?? this.#breakIfSame(generation)) === BROKEN) throw new BrokenBarrierError();
    return index;
  }

  /** As if nobody had come: whoever waits gets a BrokenBarrierError, and the next may come. */
  reset(): void {
    inside(this.#page, () => this.#end(BROKEN, false));
  }

  /** Breaks it: whoever waits, or comes before it is reset, gets a BrokenBarrierError. */
  abort(): void {
    inside(this.#page, () => this.#end(BROKEN, true));
  }
}
