import { abortError } from '../base/errors';
import { onAbort } from './on-abort';

/** How many children of a pool there may be at a time, whichever of its calls they belong to. */
export class Places {
  #free: number;
  readonly #waiting = new Set<() => void>();
  readonly #holders = new Set<() => boolean>();

  constructor(count: number) {
    this.#free = count;
  }

  /** Whether somebody waits for one. */
  get areWanted(): boolean {
    return this.#waiting.size > 0;
  }

  /** Calls `work` when there is room; if it is aborted before, not at all. */
  async use<T>(work: () => Promise<T>, signal: AbortSignal): Promise<T> {
    await this.#take(signal);
    try {
      return await work();
    } finally {
      this.#giveBack();
    }
  }

  /** `giveUp` is asked to give a place back when somebody wants one; it answers whether it will. */
  hold(giveUp: () => boolean): void {
    this.#holders.add(giveUp);
  }

  release(giveUp: () => boolean): void {
    this.#holders.delete(giveUp);
  }

  async #take(signal: AbortSignal): Promise<void> {
    if (signal.aborted) throw abortError(signal);
    if (this.#free === 0) return this.#wait(signal);
    this.#free--;
  }

  #wait(signal: AbortSignal): Promise<void> {
    return new Promise((resolve, reject) => {
      const stop = onAbort(signal, () => {
        this.#waiting.delete(take);
        reject(abortError(signal));
      });
      const take = () => {
        stop();
        resolve();
      };
      this.#waiting.add(take);
      for (const giveUp of this.#holders) if (giveUp()) break;
    });
  }

  #giveBack(): void {
    const [next] = this.#waiting;
    if (next === undefined) {
      this.#free++;
      return;
    }
    this.#waiting.delete(next);
    next();
  }
}
