/** What is to be known of the service at one moment: what its manager shows, what its workers count, what the kernel knows. */
import { monotonic, nextTurn } from '../../base/timers';
import { type Answers, bounded, sumOf } from '../answers';
import { type Figures, Row, WATCHED_INTERVAL, watchUntil } from '../scoreboard';
import type { Shown, ShownWorker } from '../shown/form';
import { queueLengths } from '../shown/queues';
import { readShown } from '../shown/shown-file';
import { type Observed, Observer, type Sight } from '../shown/sight';
import { factsOf, type MemoryFacts, memoryOf, startOf } from '../system/process-facts';
import { listOf, noteSample, type Sample } from './samples';

/** Turns of the loop in which the manager may be about to show that a worker has ended. */
const PATIENCE = 100;
/** Milliseconds for which it counts that somebody has looked. */
const WATCH = 5000;

/** What the page gets, as JSON. */
export interface Survey extends Sight {
  /** In milliseconds of the epoch. */
  at: number;
  sample: number[];
  latest: Shown['latest'];
  counts: Shown['counts'];
  reloadTime: number | null;
  /** By pid. */
  memory: Record<number, MemoryFacts>;
}

/** The service as its attendant sees it. */
export class Service implements Observed {
  readonly manager = {
    pid: process.ppid,
    startedAt: startedAt(process.ppid),
    neighbour: process.pid,
    figures: (row: number): Figures => new Row(row).figures(),
  };
  readonly #shown: number;
  readonly #observer = new Observer(this);
  /** Somebody has looked all the time since then, by the monotonic clock. */
  #watchedSince = Number.POSITIVE_INFINITY;
  #watchedUntil = Number.NEGATIVE_INFINITY;

  /** @param shown a descriptor of what the manager shows */
  constructor(shown: number) {
    this.#shown = shown;
  }

  /**
   * The line of a worker that has ended is empty just before the manager shows that: between the two its requests would be
   * counted nowhere.
   */
  async look(): Promise<Shown> {
    for (let left = PATIENCE; ; left--) {
      const shown = readShown(this.#shown);
      if (shown !== undefined && (left <= 0 || isWhole(shown))) return shown;
      await nextTurn();
    }
  }

  /** Somebody looks: each worker beats often from its next beat on. */
  watch(): void {
    const now = monotonic();
    if (now > this.#watchedUntil) this.#watchedSince = now;
    this.#watchedUntil = now + WATCH;
    watchUntil(this.#watchedUntil);
  }

  beatInterval({ interval }: Shown): number {
    const now = monotonic();
    const haveHeard = now < this.#watchedUntil && now > this.#watchedSince + 2 * interval;
    return haveHeard ? Math.min(interval, WATCHED_INTERVAL) : interval;
  }

  async survey(): Promise<Survey> {
    const shown = await this.look();
    const sight = (await this.#observer.look()) as Sight;
    const sample = sampleOf(shown);
    noteSample(sample);
    return {
      ...sight,
      at: Date.now(),
      sample: listOf(sample),
      latest: shown.latest,
      counts: shown.counts,
      reloadTime: shown.reloadTime,
      memory: Object.fromEntries(
        shown.processes.flatMap(({ pid }) => {
          const memory = memoryOf(pid);
          return memory === undefined ? [] : [[pid, memory]];
        }),
      ),
    };
  }

  /** For those who look later. */
  async note(): Promise<void> {
    noteSample(sampleOf(await this.look()));
    await this.#observer.look(); // rates are what has changed since the look before
  }
}

function isWhole({ processes }: Shown): boolean {
  return processes.every(({ pid, worker }) => worker === null || new Row(worker.row).get('pid') === pid);
}

function startedAt(pid: number): Date {
  const facts = factsOf(pid);
  return facts === undefined ? new Date() : startOf(facts);
}

export function workersOf({ processes }: Shown): ShownWorker[] {
  return processes.flatMap(({ worker }) => worker ?? []);
}

/** Of all workers, those that have ended included. */
export function requestsOf(shown: Shown): number {
  const living = workersOf(shown).map(({ row }) => Math.floor(new Row(row).figures().requests));
  return living.reduce((total, own) => bounded(total + own), shown.ended.requests);
}

export function answersOf(shown: Shown): Answers {
  return workersOf(shown).reduce(
    (total, { row }) => sumOf(total, new Row(row).answers.read()),
    shown.ended.answers,
  );
}

/** Milliseconds of all processes, those that have ended included: the manager has waited for them. */
export function processorTimeOf(shown: Shown): number {
  const manager = factsOf(shown.pid);
  const children = shown.processes.map(({ pid }) => factsOf(pid)?.cpu ?? 0);
  return children.reduce((total, own) => total + own, (manager?.cpu ?? 0) + (manager?.childrenCpu ?? 0));
}

function sampleOf(shown: Shown): Sample {
  const workers = workersOf(shown);
  const figures = workers.map(({ row }) => new Row(row).figures());
  const answers = answersOf(shown);
  const now = monotonic();
  const delays = workers.map(({ startedAt }, index) => {
    const { beat = 0, loopDelay = 0 } = figures[index] ?? {};
    // A loop that stands still has no beat that could be late.
    return Math.max(loopDelay, now - Math.max(beat, startedAt) - shown.interval);
  });
  return {
    second: Math.floor(Date.now() / 1000),
    requests: requestsOf(shown),
    errors: answers.byStatus[4] ?? 0,
    answers: total(answers.byDuration),
    answerSeconds: answers.seconds,
    cpu: processorTimeOf(shown),
    connections: total(figures.map(({ connections }) => connections)),
    waiting: total([...queueLengths(shown).values()]),
    ready: workers.filter(({ phase }) => phase === 'ready').length,
    wanted: shown.wanted,
    loopDelay: Math.max(0, ...delays),
    privateMemory: total(figures.map(({ privateMemory }) => privateMemory)),
  };
}

function total(numbers: readonly number[]): number {
  return numbers.reduce((sum, each) => sum + each, 0);
}
