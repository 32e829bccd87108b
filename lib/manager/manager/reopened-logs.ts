/** Log files that are opened anew, and the templates that hear of it. */
import { reopenLogFiles } from '../log-files';
import { askToReopenLogs, reopenCount } from '../scoreboard';
import type { Log } from '../settings';
import type { Generation } from './generation';

export class ReopenedLogs {
  /** Descriptors that have been other files since the start. */
  readonly reopened: Set<number>;

  constructor(reopened: Iterable<number> = []) {
    this.reopened = new Set(reopened);
  }

  reopen(log: Log, generations: Iterable<Generation>): void {
    for (const fd of reopenLogFiles(log)) this.reopened.add(fd);
    askToReopenLogs();
    for (const generation of generations) this.tell(generation);
  }

  /**
   * Only a sleeping template is told: one that loads reads nothing, and these would pile up before the answer to its `listen`.
   * If it misses the news, its workers notice by their own count.
   */
  tell(generation: Generation): void {
    const count = reopenCount();
    if (!generation.isAsleep || generation.reopened === count) return;
    const descriptors = [...this.reopened];
    const isSent = generation.template?.channel.trySend({ type: 'logs', count, descriptors }, descriptors);
    if (isSent) generation.reopened = count;
  }
}
