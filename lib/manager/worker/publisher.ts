/** A worker publishes the application's metrics: when it is asked to, and before it ends. */
import { onePerProcess } from '../../base/one-per-process';
import { registerAtFork } from '../../fork/at-fork';
import { type Families, lasting, since } from '../app-metrics/families';
import { publicationIn, publish } from '../app-metrics/metrics-file';
import { onRing } from '../bells';
import { metricsAskedFor, type Row } from '../scoreboard';

/** Where the metrics are. */
export interface Source {
  /** All of this process. */
  collect(): Promise<Families>;
  /** Those that only grow, as they are now. */
  counted(): Promise<Families>;
  /** Several as one. */
  sum(all: readonly Families[]): Promise<Families>;
}

/** Copied by a fork: a worker publishes what its template has registered. */
const known = onePerProcess('publisher', () => ({
  source: undefined as Source | undefined,
  publisher: undefined as Publisher | undefined,
}));

/** The application has metrics. */
export function publishFrom(source: Source, row: Row | undefined): void {
  known.source ??= source;
  if (row !== undefined) beginPublishing(row);
}

/** For a worker, if its application has metrics. What its template has counted was counted for no worker. */
export function beginPublishing(row: Row): void {
  const { source } = known;
  if (source === undefined || known.publisher !== undefined) return;
  const publisher = new Publisher(row, source);
  known.publisher = publisher;
  onRing(row, () => publisher.look());
  registerAtFork({
    afterInChild: () => {
      known.publisher = undefined;
      publisher.leave();
    },
  });
}

/** As long as the worker lives: what is counted later is lost. */
export async function publishLast(): Promise<void> {
  await known.publisher?.publish();
}

class Publisher {
  readonly #row: Row;
  readonly #source: Source;
  readonly #before: Promise<Families>;
  /** Of the workers that had this place before. */
  #gone: Families | undefined;
  /** The last question that it has heard of. */
  #answered: number | undefined;
  #publishing: Promise<void> | undefined;
  #hasLeft = false;
  #hasFailed = false;

  constructor(row: Row, source: Source) {
    this.#row = row;
    this.#source = source;
    this.#before = source.counted().catch(() => []);
  }

  look(): void {
    if (metricsAskedFor() !== this.#answered) void this.publish();
  }

  /** In a child of the worker, whose place is not its. */
  leave(): void {
    this.#hasLeft = true;
  }

  /** One at a time: what is asked meanwhile is answered by another one. */
  async publish(): Promise<void> {
    while (this.#publishing !== undefined) await this.#publishing;
    this.#publishing = this.#publish();
    await this.#publishing;
    this.#publishing = undefined;
    this.look();
  }

  async #publish(): Promise<void> {
    const round = metricsAskedFor();
    this.#answered = round;
    try {
      const before = await this.#before;
      const own = since(await this.#source.collect(), before);
      this.#gone ??= await this.#takeOver();
      if (!this.#hasLeft) publish(this.#row, { pid: process.pid, round, own, gone: this.#gone });
    } catch (error) {
      this.#warnOnce(error);
    }
  }

  async #takeOver(): Promise<Families> {
    const last = publicationIn(this.#row);
    return last === undefined ? [] : await this.#source.sum([lasting(last.own), last.gone]);
  }

  #warnOnce(error: unknown): void {
    if (this.#hasFailed) return;
    this.#hasFailed = true;
    process.emitWarning(
      `The metrics of this worker cannot be published: ${error instanceof Error ? error.message : error}`,
      'PreforkWarning',
    );
  }
}
