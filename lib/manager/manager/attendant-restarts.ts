import type { PlainSettings } from '../settings';

type Rules = Pick<PlainSettings['restart'], 'burst' | 'window' | 'minDelay' | 'maxDelay'>;

/** When another attendant may be forked: at once, or after growing delays if one after the other ends soon, as with workers. */
export class AttendantRestarts {
  /** In milliseconds of the monotonic clock. */
  notBefore = 0;
  #inARow = 0;

  /** Returns the delay until the next one, in milliseconds. */
  ended(now: number, lived: number, { burst, window, minDelay, maxDelay }: Rules): number {
    this.#inARow = lived < window ? this.#inARow + 1 : 1;
    const beyond = this.#inARow - burst;
    const delay = beyond > 0 ? Math.min(minDelay * 2 ** Math.min(beyond - 1, 40), maxDelay) : 0;
    this.notBefore = now + delay;
    return delay;
  }

  /** None could be forked, which the next moment does not change. Returns the delay until the next try, in milliseconds. */
  notForked(now: number, restart: Rules): number {
    const delay = Math.max(this.ended(now, 0, restart), restart.minDelay);
    this.notBefore = now + delay;
    return delay;
  }
}
