import { invalidState } from './errors';
import { STATE_AT } from './line';
import { self } from './members';
import { inside } from './section';
import { sharedPages } from './shared-block';
import { type Gate, Turnstile } from './turnstile';

const OWNER = STATE_AT;
/** How often a recursive lock is held. */
const COUNT = STATE_AT + 1;
/** 1 from the death of an owner until whoever has it next gives it back. */
const ORPHANED = STATE_AT + 2;

/** What both kinds of locks have in common. */
abstract class OwnedLock {
  /** @internal */
  protected readonly page: Int32Array;
  /** @internal */
  protected readonly turnstile: Turnstile<true>;

  /**
   * Make it before the fork: it is shared with all children that this process forks later, by whatever way, and with theirs.
   *
   * @throws Error `ERR_PREFORK_UNSUPPORTED` in a worker thread; SystemError `ENOMEM`
   */
  constructor() {
    const [page = new Int32Array(0)] = sharedPages(1);
    this.page = page;
    this.turnstile = new Turnstile(page, this.#gate());
  }

  #gate(): Gate<true> {
    const page = this.page;
    return {
      pass: (own) => {
        if (page[OWNER] !== 0) return this.again(own);
        page[COUNT] = 1;
        page[OWNER] = own;
        return true;
      },
      isOpen: () => false,
      holder: () => page[OWNER] ?? 0,
      bereave: () => {
        page[ORPHANED] = 1;
        page[OWNER] = 0;
      },
    };
  }

  /** @internal */
  protected abstract again(own: number): true | undefined;

  /** @internal Within the section. */
  protected free(): void {
    this.turnstile.ringFirst();
    this.page[ORPHANED] = 0;
    this.page[OWNER] = 0;
  }

  /**
   * Takes the lock, when it is this caller's turn. The event loop goes on meanwhile, and is kept alive. If its owner has died,
   * or dies, this gets it: see `ownerDied`.
   *
   * @param timeout seconds; 0: at once or not at all, past all that wait; null, the default: no limit
   * @returns whether it has the lock; false: not in time
   * @throws TypeError `ERR_PREFORK_INVALID_ARG_TYPE`
   */
  async acquire(timeout: number | null = null): Promise<boolean> {
    return (await this.turnstile.wait(timeout)) ?? false;
  }

  /** The same, blocking the thread and its event loop, but not signals, as `sleep()` does. */
  acquireSync(timeout: number | null = null): boolean {
    return this.turnstile.block(timeout) ?? false;
  }

  /**
   * Whether whoever held the lock before its present owner has died with it, so that what it guards may be half done. Python
   * has no such thing: there the lock is never had again.
   */
  get ownerDied(): boolean {
    return Atomics.load(this.page, ORPHANED) !== 0;
  }

  /** Gives it back. */
  abstract release(): void;

  /** Calls `work` with the lock, which is given back when it has returned, thrown, or its promise has settled: `with lock:` */
  async with<T>(work: () => T): Promise<Awaited<T>> {
    await this.acquire();
    try {
      return await work();
    } finally {
      this.release();
    }
  }

  /** The same for a function that returns at once, blocking until the lock is there. */
  withSync<T>(work: () => T): T {
    this.acquireSync();
    try {
      return work();
    } finally {
      this.release();
    }
  }

  /** @internal How often this process holds it. */
  get held(): number {
    return this.page[OWNER] === self().identity ? (this.page[COUNT] ?? 0) : 0;
  }
}

/** A lock that one process, and in it one caller, has at a time. */
export class Lock extends OwnedLock {
  /** @internal */
  protected override again(): undefined {
    return undefined;
  }

  /**
   * Gives it back: any process may, as in Python.
   *
   * @throws Error `ERR_PREFORK_INVALID_STATE` if nobody has it
   */
  override release(): void {
    inside(this.page, () => {
      if (this.page[OWNER] === 0) throw invalidState('semaphore or lock released too many times');
      this.free();
    });
  }
}

/** A lock that its owner may take again. The owner is the process: whoever else waits in it gets the lock, too. */
export class RLock extends OwnedLock {
  /** @internal */
  protected override again(own: number): true | undefined {
    if (this.page[OWNER] !== own) return undefined;
    this.page[COUNT] = (this.page[COUNT] ?? 0) + 1;
    return true;
  }

  /**
   * Gives it back once.
   *
   * @throws Error `ERR_PREFORK_INVALID_STATE` if this process does not have it
   */
  override release(): void {
    inside(this.page, (own) => {
      if (this.page[OWNER] !== own) {
        throw invalidState('attempt to release recursive lock not owned by this process');
      }
      if ((this.page[COUNT] ?? 0) > 1) this.page[COUNT] = (this.page[COUNT] ?? 0) - 1;
      else this.free();
    });
  }
}
