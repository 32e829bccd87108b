/** Waiting for a manager: what it shows is looked at again and again, for it tells nobody. */
import { setTimeout } from 'node:timers/promises';
import { duration } from '../../base/duration';
import { preforkError } from '../../base/errors';
import { monotonic } from '../../base/timers';
import type { Shown } from '../../manager/shown/form';
import type { SeenManager } from '../../manager/shown/seen-manager';

/** Milliseconds. */
const LOOK_INTERVAL = 50;

export class Waiting {
  readonly manager: SeenManager;
  readonly #timeout: number | null;
  readonly #latest: number;

  /** @param timeout milliseconds; null: as long as it takes */
  constructor(manager: SeenManager, timeout: number | null) {
    this.manager = manager;
    this.#timeout = timeout;
    this.#latest = timeout === null ? Number.POSITIVE_INFINITY : monotonic() + timeout;
  }

  /** What it shows, once it is not just changing it; undefined: it has ended. */
  async look(): Promise<Shown | undefined> {
    for (;;) {
      const shown = this.manager.look();
      // In this order: what a manager that has ended leaves in its file does not change any more.
      if (!this.manager.isAlive) return undefined;
      if (shown !== undefined) return shown;
      await this.pause('what it shows');
    }
  }

  /**
   * @param until in a few words, what is awaited
   * @throws Error `ERR_PREFORK_TIMEOUT`
   */
  async pause(until: string): Promise<void> {
    if (this.#timeout !== null && monotonic() >= this.#latest) {
      throw preforkError(
        'ERR_PREFORK_TIMEOUT',
        `Waited ${duration(this.#timeout)} for ${until}; process ${this.manager.pid} goes on with it`,
      );
    }
    await setTimeout(LOOK_INTERVAL);
  }
}

/** It has ended while a command waited for something else. */
export function endedBefore(pid: number, what: string): Error {
  return new Error(`Process ${pid} ended before ${what}`);
}
