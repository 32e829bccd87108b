/** `prefork top`: how a service is, again and again. In a terminal with keys; into a pipe or file page by page. */
import { setTimeout } from 'node:timers/promises';
import { writeAll } from '../../base/blocking-write';
import { Observer, type SeenWorker, type Sight } from '../../manager/shown/sight';
import { type Line, Screen, type Style } from './screen';
import { head, pageOf, workerTable } from './status';
import type { Waiting } from './waiting';
import { bytes } from './words';

type Figure = (worker: SeenWorker) => number | null;

/** By which key workers are sorted by what. */
const ORDERS: Record<string, readonly [what: string, figure: Figure]> = {
  i: ['id', ({ id }) => -id],
  a: ['age', ({ age }) => age],
  n: ['requests', ({ requests }) => requests],
  r: ['req/s', ({ requestsPerSecond }) => requestsPerSecond],
  o: ['connections', ({ connections }) => connections],
  d: ['delay', ({ loopDelay }) => loopDelay],
  c: ['cpu', ({ cpu }) => cpu],
  m: ['private memory', ({ privateMemory }) => privateMemory],
};

/** @returns what is to be said when it ends, if anything: until somebody presses q, or the manager has ended */
export function top(waiting: Waiting, interval: number): Promise<string> {
  return Screen.isPossible ? new Top(waiting, interval).run() : pages(waiting, interval);
}

async function pages(waiting: Waiting, interval: number): Promise<string> {
  const observer = new Observer(waiting);
  for (;;) {
    const sight = await observer.look();
    if (sight === undefined) return endOf(waiting);
    try {
      writeAll(1, `${pageOf(sight)}\n\n`);
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code === 'EPIPE') return ''; // the reader has seen enough
      throw error;
    }
    await setTimeout(interval);
  }
}

function endOf({ manager }: Waiting): string {
  return `Process ${manager.pid} has ended`;
}

class Top {
  readonly #waiting: Waiting;
  readonly #interval: number;
  readonly #observer: Observer;
  readonly #screen = new Screen({ key: (name) => this.#press(name), redraw: () => this.#draw() });
  readonly #quit = new AbortController();
  #sight: Sight | undefined;
  #order = 'i';
  #isReversed = false;
  /** How many workers have been scrolled out of sight. */
  #above = 0;

  constructor(waiting: Waiting, interval: number) {
    this.#waiting = waiting;
    this.#interval = interval;
    this.#observer = new Observer(waiting);
  }

  async run(): Promise<string> {
    try {
      this.#sight = await this.#observer.look();
      this.#screen.enter();
      while (this.#sight !== undefined && (await this.#goesOn())) {
        this.#sight = await this.#observer.look();
        this.#draw();
      }
      return this.#sight === undefined ? endOf(this.#waiting) : '';
    } finally {
      this.#screen.leave();
    }
  }

  /** After a while; false at once if somebody has pressed q. */
  async #goesOn(): Promise<boolean> {
    try {
      await setTimeout(this.#interval, undefined, { signal: this.#quit.signal });
      return true;
    } catch {
      return false;
    }
  }

  #press(name: string): void {
    const { rows } = this.#screen;
    if (name === 'q') this.#quit.abort();
    else if (name in ORDERS) this.#sortBy(name);
    else if (name === 'up' || name === 'pageup') this.#above -= name === 'up' ? 1 : rows;
    else if (name === 'down' || name === 'pagedown') this.#above += name === 'down' ? 1 : rows;
    this.#draw();
  }

  #sortBy(name: string): void {
    this.#isReversed = this.#order === name && !this.#isReversed;
    this.#order = name;
  }

  #draw(): void {
    if (this.#sight === undefined) return;
    const above = [...head(this.#sight), totals(this.#sight), ''].map(line('plain'));
    const workers = this.#sorted(this.#sight.workers);
    const [names = '', ...texts] = workerTable(workers);
    const rows = texts.map((text, index): Line => ({ text, style: styleOf(workers[index]) }));
    const room = Math.max(1, this.#screen.rows - above.length - 3);
    this.#above = Math.min(Math.max(0, this.#above), Math.max(0, rows.length - room));
    const shown = rows.slice(this.#above, this.#above + room);
    this.#screen.draw([
      ...above,
      { text: names, style: 'names' },
      ...shown,
      ...[this.#rest(rows.length - shown.length), this.#keys()].map(line('plain')),
    ]);
  }

  #sorted(workers: readonly SeenWorker[]): SeenWorker[] {
    const [, figure] = ORDERS[this.#order] ?? [];
    const sign = this.#isReversed ? -1 : 1;
    const value = (worker: SeenWorker) => figure?.(worker) ?? Number.NEGATIVE_INFINITY;
    return [...workers].sort((one, other) => compare(value(other), value(one)) * sign || one.id - other.id);
  }

  #rest(hidden: number): string {
    return hidden === 0 ? '' : `${hidden} more: up and down`;
  }

  #keys(): string {
    const orders = Object.entries(ORDERS).map(([key, [what]]) => `${key} ${what}`);
    return `q quit   sorted by ${ORDERS[this.#order]?.[0]}${this.#isReversed ? ', reversed' : ''}   ${orders.join('  ')}`;
  }
}

/** Also of what is infinite. */
function compare(one: number, other: number): number {
  if (one === other) return 0;
  return one < other ? -1 : 1;
}

function line(style: Style): (text: string) => Line {
  return (text) => ({ text, style });
}

function styleOf(worker: SeenWorker | undefined): Style {
  if (worker?.isBlocked) return 'error';
  return worker?.state === 'ready' ? 'plain' : 'warning';
}

function totals({ workers }: Sight): string {
  const sum = (figure: Figure) => workers.reduce((total, worker) => total + (figure(worker) ?? 0), 0);
  return (
    `all: ${sum((each) => each.requestsPerSecond).toFixed(0)} requests/s, ` +
    `${sum((each) => each.connections)} connections, ${(sum((each) => each.cpu) * 100).toFixed(0)} % of a processor, ` +
    `${bytes(sum((each) => each.privateMemory))} private`
  );
}
