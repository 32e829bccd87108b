/** What Prometheus scrapes, but for the text, which prom-client writes. */
import { type Answers, BOUNDS } from '../answers';
import type { Family } from '../app-metrics/families';
import { type Figures, Row } from '../scoreboard';
import type { Happening, Shown, ShownWorker } from '../shown/form';
import { queueLengths } from '../shown/queues';
import { memoryOf } from '../system/process-facts';
import { isBlocked, readyWorkers } from './probes';
import { answersOf, processorTimeOf, requestsOf, workersOf } from './survey';

type Labels = Family['values'][number]['labels'];
type Sample = readonly [value: number, labels?: Labels];

/** Why a worker's place had to be taken by another one, as Prometheus has names. */
const REASONS = {
  crash: 'crash',
  hang: 'hang',
  'boot timeout': 'boot_timeout',
  'out of memory': 'out_of_memory',
  killed: 'killed',
  recycled: 'recycled',
} as const satisfies Partial<Record<Happening, string>>;

/** One worker of those with its id: the newest takes the place of the others. */
interface Seen {
  worker: ShownWorker;
  pid: number;
  figures: Figures;
}

export class Metrics {
  /** A worker's numbers may be anything, also fewer than before. What only grows does so here. */
  readonly #counted = new Map<string, number>();

  families(shown: Shown): Family[] {
    return [...this.#ofTheService(shown), ...this.#counts(shown), ...ofWorkers(shown)];
  }

  #ofTheService(shown: Shown): Family[] {
    const workers = workersOf(shown);
    const inState = (state: ShownWorker['phase']) => workers.filter(({ phase }) => phase === state).length;
    const queues = [...queueLengths(shown)];
    return [
      gauge('info', 'What runs.', [[1, identity(shown)]]),
      gauge('generation', 'The generation of the application that serves.', [[shown.generation ?? 0]]),
      gauge('generation_started_seconds', 'When that began to serve, as Unix time.', [
        [(shown.since ?? 0) / 1000],
      ]),
      gauge('replacing', '1 while a new version is loaded or workers are replaced.', [
        [shown.isReplacing ? 1 : 0],
      ]),
      gauge(
        'reload_seconds',
        'How long the last reload took, from when it was asked for until every worker was replaced.',
        shown.reloadTime === null ? [] : [[shown.reloadTime / 1000]],
      ),
      gauge('workers_wanted', 'How many workers there are to be.', [[shown.wanted]]),
      gauge('workers', 'Workers by state.', [
        [inState('booting'), { state: 'booting' }],
        [inState('ready'), { state: 'ready' }],
        [inState('stopping') + inState('doomed'), { state: 'stopping' }],
      ]),
      gauge('workers_serving', 'Workers that are ready and turn their event loops.', [
        [readyWorkers(shown).length],
      ]),
      gauge(
        'queue_length',
        'Connections that wait to be accepted.',
        queues.map(([address, length]) => [length, { address }]),
      ),
    ];
  }

  #counts(shown: Shown): Family[] {
    const { counts, ended } = shown;
    const answers = answersOf(shown);
    return [
      this.#counter('requests_total', 'HTTP requests of all workers, those that have ended included.', [
        [requestsOf(shown)],
      ]),
      this.#counter(
        'responses_total',
        'Their responses that were sent to the end, by class of status.',
        answers.byStatus.map((count, index) => [count, { class: `${index + 1}xx` }]),
      ),
      this.#durations(answers),
      this.#counter('cpu_seconds_total', 'Processor time of all processes, those that have ended included.', [
        [processorTimeOf(shown) / 1000],
      ]),
      this.#counter('workers_ended_total', 'Workers that have ended, told to or not.', [[ended.workers]]),
      this.#counter('worker_crashes_total', 'Workers that ended unasked and were started again.', [
        [shown.crashes],
      ]),
      this.#counter(
        'restarts_total',
        'Workers whose place another one had to take, by why.',
        Object.entries(REASONS).map(([what, reason]) => [counts[what as Happening], { reason }]),
      ),
      this.#counter('reloads_total', 'Reloads, by what became of them.', [
        [counts.reloaded, { result: 'done' }],
        [counts.refused, { result: 'refused' }],
      ]),
    ];
  }

  #durations({ byDuration, seconds }: Answers): Family {
    const name = 'prefork_request_duration_seconds';
    const counts = byDuration.map((_, index) =>
      byDuration.slice(0, index + 1).reduce((sum, each) => sum + each, 0),
    );
    const bucket = (count: number, le: number | string) => ({
      metricName: `${name}_bucket`,
      value: this.#grown(`${name} ${le}`, count),
      labels: { le },
    });
    const all = this.#grown(`${name} count`, counts.at(-1) ?? 0);
    return {
      name,
      help: 'From the request until its response was handed to the system.',
      type: 'histogram',
      aggregator: 'sum',
      values: [
        ...BOUNDS.map((bound, index) => bucket(counts[index] ?? 0, bound)),
        bucket(all, '+Inf'),
        { metricName: `${name}_sum`, value: this.#grown(`${name} sum`, seconds), labels: {} },
        { metricName: `${name}_count`, value: all, labels: {} },
      ],
    };
  }

  #counter(name: string, help: string, samples: readonly Sample[]): Family {
    const grown = samples.map(
      ([value, labels = {}]): Sample => [this.#grown(`${name} ${JSON.stringify(labels)}`, value), labels],
    );
    return family('counter', name, help, grown);
  }

  #grown(key: string, value: number): number {
    const grown = Math.max(value, this.#counted.get(key) ?? 0);
    this.#counted.set(key, grown);
    return grown;
  }
}

function ofWorkers(shown: Shown): Family[] {
  const newest = new Map<number, Seen>();
  for (const { pid, worker } of shown.processes) {
    if (worker === null || worker.startedAt < (newest.get(worker.id)?.worker.startedAt ?? 0)) continue;
    newest.set(worker.id, { worker, pid, figures: new Row(worker.row).figures() });
  }
  const each = (name: string, help: string, value: (seen: Seen) => number | undefined) => {
    const samples = [...newest.values()].flatMap((seen): Sample[] => {
      const own = value(seen);
      return own === undefined ? [] : [[own, { worker: seen.worker.id }]];
    });
    return gauge(`worker_${name}`, help, samples);
  };
  return [
    each('connections', 'Open connections.', ({ figures }) => figures.connections),
    each(
      'loop_delay_seconds',
      'By how much the last beat of the event loop was late.',
      ({ figures }) => figures.loopDelay / 1000,
    ),
    each('blocked', '1 while the event loop stands still.', ({ worker }) =>
      isBlocked(worker, shown.interval) ? 1 : 0,
    ),
    each(
      'private_memory_bytes',
      'Memory that it shares with nobody, as measured every 5 seconds.',
      ({ figures }) => figures.privateMemory,
    ),
    each('shared_memory_bytes', 'Memory that it shares with others.', ({ pid, figures }) => {
      const resident = memoryOf(pid)?.resident;
      return resident === undefined ? undefined : Math.max(0, resident - figures.privateMemory);
    }),
    each(
      'page_table_bytes',
      'Page tables, which the kernel keeps for each process.',
      ({ pid }) => memoryOf(pid)?.pageTables,
    ),
    each('heap_used_bytes', 'Memory in use on the JavaScript heap.', ({ figures }) => figures.heapUsed),
  ];
}

function identity({ name, application, prefork, node }: Shown): Labels {
  return { name: name ?? '', version: application?.version ?? '', prefork, node };
}

function gauge(name: string, help: string, samples: readonly Sample[]): Family {
  return family('gauge', name, help, samples);
}

function family(type: Family['type'], name: string, help: string, samples: readonly Sample[]): Family {
  const values = samples.map(([value, labels = {}]) => ({ value, labels }));
  return { name: `prefork_${name}`, help, type, aggregator: 'sum', values };
}
