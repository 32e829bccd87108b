/** What has happened to the service, for those who look at it later: how often what, and the latest of it. */
import type { LogEntry, LogEvent } from '../log-events';
import type { Loss } from '../policy';
import { HAPPENINGS, type Happened, type Happening, MOST_HAPPENED, type Shown } from '../shown/form';

type Told = Pick<Shown, 'counts' | 'latest' | 'reloadTime'>;

const BY_EVENT: Partial<Record<LogEvent, Happening>> = {
  worker_recycled: 'recycled',
  replacement_started: 'reload',
  replaced_all: 'reloaded',
  replacement_refused: 'refused',
  worker_added: 'added',
  worker_removed: 'removed',
  succession_finished: 'succession',
  template_lost: 'template lost',
  crash_loop_entered: 'crash loop',
};

export class Chronicle {
  #told: Told = {
    counts: Object.fromEntries(HAPPENINGS.map((what) => [what, 0])) as Told['counts'],
    latest: [],
    reloadTime: null,
  };

  /** Another object each time that something has happened. */
  get told(): Told {
    return this.#told;
  }

  /** What an earlier program of this process has noted. */
  goOn({ counts, latest, reloadTime }: Told): void {
    this.#told = { counts, latest, reloadTime };
  }

  lost(id: number, why: Loss): void {
    this.#note(why, id);
  }

  /** What is logged and not only for the log. */
  logged(entry: LogEntry): void {
    const what = BY_EVENT[entry.event];
    // The last worker is not removed: only a warning says so.
    if (what === undefined || (what === 'removed' && entry.level === 'warning')) return;
    this.#note(what, 'worker' in entry ? (entry.worker ?? null) : null);
  }

  #note(what: Happening, worker: number | null): void {
    const { counts, latest, reloadTime } = this.#told;
    const at = Date.now();
    this.#told = {
      counts: { ...counts, [what]: counts[what] + 1 },
      latest: [...latest, { at, what, worker }].slice(-MOST_HAPPENED),
      reloadTime: what === 'reloaded' ? timeSince(latest, at) : reloadTime,
    };
  }
}

/** Since the reload was asked for that is over now; null: that is forgotten. */
function timeSince(latest: readonly Happened[], now: number): number | null {
  const began = latest.findLast(({ what }) => what === 'reload' || what === 'succession');
  return began === undefined ? null : Math.max(0, now - began.at);
}
