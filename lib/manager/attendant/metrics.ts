/** What Prometheus scrapes, in its text format (https://prometheus.io/docs/instrumenting/exposition_formats/). */
import { type Figures, Row } from '../scoreboard';
import type { Shown, ShownWorker } from '../shown/form';
import { isBlocked, readyWorkers } from './probes';

type Labels = Record<string, string | number>;
type Sample = readonly [value: number, labels?: Labels];

/** Of workers that have one id only the newest is shown: it takes the place of the others. */
export class Metrics {
  #requests = 0;

  text(shown: Shown): string {
    const workers = shown.processes.flatMap(({ worker }) => worker ?? []);
    const figures = new Map(workers.map((worker) => [worker, new Row(worker.row).figures()]));
    const newest = new Map(workers.map((worker) => [worker.id, worker]));
    for (const worker of workers) {
      if (worker.startedAt > (newest.get(worker.id)?.startedAt ?? 0)) newest.set(worker.id, worker);
    }
    const each = (value: (own: Figures, worker: ShownWorker) => number): Sample[] =>
      [...newest].map(([id, worker]) => [value(figures.get(worker) as Figures, worker), { worker: id }]);
    const sum = (value: (own: Figures) => number) =>
      [...figures.values()].reduce((total, own) => total + value(own), 0);
    // A worker may have ended since the manager has shown it: what it has served is counted with the next look.
    this.#requests = Math.max(this.#requests, shown.ended.requests + sum(({ requests }) => requests));
    const inState = (state: ShownWorker['phase']) => workers.filter(({ phase }) => phase === state).length;
    return [
      family('prefork_info', 'gauge', 'What runs.', [[1, identity(shown)]]),
      family('prefork_generation', 'gauge', 'The generation of the application that serves.', [
        [shown.generation ?? 0],
      ]),
      family('prefork_generation_started_seconds', 'gauge', 'When that began to serve, as Unix time.', [
        [(shown.since ?? 0) / 1000],
      ]),
      family('prefork_replacing', 'gauge', '1 while a new version is loaded or workers are replaced.', [
        [shown.isReplacing ? 1 : 0],
      ]),
      family('prefork_workers_wanted', 'gauge', 'How many workers there are to be.', [[shown.wanted]]),
      family('prefork_workers', 'gauge', 'Workers by state.', [
        [inState('booting'), { state: 'booting' }],
        [inState('ready'), { state: 'ready' }],
        [inState('stopping') + inState('doomed'), { state: 'stopping' }],
      ]),
      family('prefork_workers_serving', 'gauge', 'Workers that are ready and turn their event loops.', [
        [readyWorkers(shown).length],
      ]),
      family(
        'prefork_requests_total',
        'counter',
        'HTTP requests of all workers, those that have ended included.',
        [[this.#requests]],
      ),
      family('prefork_workers_ended_total', 'counter', 'Workers that have ended, told to or not.', [
        [shown.ended.workers],
      ]),
      family(
        'prefork_worker_crashes_total',
        'counter',
        'Workers that ended unasked and were started again.',
        [[shown.crashes]],
      ),
      family(
        'prefork_worker_connections',
        'gauge',
        'Open connections.',
        each((own) => own.connections),
      ),
      family(
        'prefork_worker_loop_delay_seconds',
        'gauge',
        'By how much the last beat of the event loop was late.',
        each((own) => own.loopDelay / 1000),
      ),
      family(
        'prefork_worker_blocked',
        'gauge',
        '1 while the event loop stands still.',
        each((_, worker) => (isBlocked(worker, shown.interval) ? 1 : 0)),
      ),
      family(
        'prefork_worker_private_memory_bytes',
        'gauge',
        'Memory that it shares with nobody, as measured every 5 seconds.',
        each((own) => own.privateMemory),
      ),
      family(
        'prefork_worker_heap_used_bytes',
        'gauge',
        'Memory in use on the JavaScript heap.',
        each((own) => own.heapUsed),
      ),
    ].join('');
  }
}

function identity({ name, application, prefork, node }: Shown): Labels {
  return { name: name ?? '', version: application?.version ?? '', prefork, node };
}

function family(name: string, type: 'gauge' | 'counter', help: string, samples: readonly Sample[]): string {
  const lines = samples.map(([value, labels = {}]) => `${name}${shownLabels(labels)} ${value}\n`);
  return `# HELP ${name} ${help}\n# TYPE ${name} ${type}\n${lines.join('')}`;
}

function shownLabels(labels: Labels): string {
  const shown = Object.entries(labels).map(([name, value]) => `${name}="${escaped(String(value))}"`);
  return shown.length === 0 ? '' : `{${shown.join(',')}}`;
}

function escaped(text: string): string {
  return text.replaceAll('\\', '\\\\').replaceAll('"', '\\"').replaceAll('\n', '\\n');
}
