/** Whether the service is to be sent requests. */
import { monotonic } from '../../base/timers';
import { Row } from '../scoreboard';
import type { Shown, ShownWorker } from '../shown/form';

/** Those that are ready, and turn their loops. */
export function readyWorkers(shown: Shown): ShownWorker[] {
  return shown.processes.flatMap(({ worker }) =>
    worker?.phase === 'ready' && !isBlocked(worker, shown.interval) ? worker : [],
  );
}

/** Half of its workers, or more, are ready: one that is just replaced after a crash is no reason to take a service out. */
export function isServing(shown: Shown): boolean {
  const ready = readyWorkers(shown).length;
  return shown.phase === 'running' && ready > 0 && ready >= shown.wanted / 2;
}

/** A beat comes once in the interval; one that is missing may only be late. */
export function isBlocked({ row, startedAt }: ShownWorker, interval: number): boolean {
  const now = monotonic();
  const { beat } = new Row(row).figures();
  return now - Math.max(beat, startedAt) > 2 * interval;
}
