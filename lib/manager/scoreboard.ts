/**
 * What every worker reports, in memory that all of them and the manager share. Each line has one writer at a time: the manager
 * when it assigns the line or takes it back, the worker in between. All of them read.
 */
import { binding } from '../base/binding';
import { monotonic } from '../base/timers';
import { ROWS_AT, sharedHeader, sharedMarks, sharedRows, wordOfRows } from '../shared/memory';
import { AnswersLine } from './answers';

/** A worker as the scoreboard shows it. */
export interface WorkerStatus {
  /** 0, 1, …; the process that replaces a worker keeps its id. */
  id: number;
  /** Its process. */
  pid: number;
  /** `stopping`: it finishes its requests. */
  state: 'booting' | 'ready' | 'stopping';
  /** Number of rolling replacements before it. */
  generation: number;
  /** Number of restarts of its id after an unexpected end. */
  restarts: number;
  /** When it was forked. */
  startedAt: Date;
  /** Number of HTTP requests so far. */
  requests: number;
  /** Number of open connections. */
  connections: number;
  /** Delay of the event loop at its last beat, in milliseconds. */
  loopDelay: number;
  /** Bytes in use on the JavaScript heap. */
  heapUsed: number;
  /** Bytes of private memory. */
  privateMemory: number;
  /** Milliseconds since its last beat. */
  sinceBeat: number;
}

const FIELDS = [
  'pid',
  'id',
  'generation',
  'restarts',
  'state',
  'startedAt',
  'beat',
  'requests',
  'connections',
  'loopDelay',
  'heapUsed',
  'privateMemory',
  'stackWanted',
  'draining',
  'ending',
  'reopened',
] as const;
type Field = (typeof FIELDS)[number];

/** Who wants to know where a worker stands: the manager has it logged; a command has left a question (questions.ts). */
export const StackAsker = { MANAGER: 1, COMMAND: 2 } as const;
export type StackAsker = (typeof StackAsker)[keyof typeof StackAsker];

const ROW = 16; // numbers in a row: two cache lines, which no other worker writes to
/** Words of a mark, which the natives of the line's worker write (native/posix/room.h): a cache line. */
const MARK = 16;
const BOOTING = 1;
const READY = 2;
const STOPPING = 3;
const STOPPING_UNREADY = 4;
const STATES = ['booting', 'booting', 'ready', 'stopping', 'stopping'] as const;

// In the header, behind the bell.
const REOPEN = 1;
/** One more than the highest line that a worker has had. */
const LINES = 2;
const METRICS = 3;
/** One more than the highest line whose worker hears others. */
const BELLS = 4;
/** The second of the monotonic clock until which somebody looks. */
const WATCHED = 5;

/** One line. */
export class Row {
  readonly index: number;
  #numbers: Float64Array;
  #answers: AnswersLine | undefined;

  static get count(): number {
    return sharedRows().length / ROW;
  }

  constructor(index: number) {
    this.index = index;
    this.#numbers = sharedRows().subarray(index * ROW, (index + 1) * ROW);
  }

  get(field: Field): number {
    return this.#numbers[FIELDS.indexOf(field)] ?? 0;
  }

  set(field: Field, value: number): void {
    this.#numbers[FIELDS.indexOf(field)] = value;
  }

  /** A counter that costs an addition. */
  counter(field: Field): (amount: number) => void {
    const index = FIELDS.indexOf(field);
    return (amount) => {
      this.#numbers[index] = (this.#numbers[index] ?? 0) + amount;
    };
  }

  get answers(): AnswersLine {
    this.#answers ??= new AnswersLine(this.index);
    return this.#answers;
  }

  get isTaken(): boolean {
    return this.get('state') !== 0;
  }

  get isReady(): boolean {
    return this.get('state') === READY;
  }

  get isStopping(): boolean {
    return this.get('state') >= STOPPING;
  }

  /** A worker told to stop while it boots never becomes ready. */
  get hasBeenReady(): boolean {
    return this.isReady || this.get('state') === STOPPING;
  }

  take(worker: { id: number; generation: number; restarts: number }): void {
    this.free();
    this.set('id', worker.id);
    this.set('generation', worker.generation);
    this.set('restarts', worker.restarts);
    this.set('startedAt', Date.now());
    this.set('beat', monotonic());
    this.set('state', BOOTING);
    raise(LINES, this.index + 1);
  }

  markReady(): void {
    if (this.get('state') === BOOTING) this.set('state', READY);
  }

  markStopping(): void {
    this.set('state', this.hasBeenReady ? STOPPING : STOPPING_UNREADY);
  }

  /** A worker is to say where it stands (worker/stack-report.ts). */
  askForStack(asker: StackAsker): void {
    binding.stack_request(this.stackWord, asker);
  }

  /** The word by which it is asked. */
  get stackWord(): number {
    return wordOfRows(this.index * ROW + FIELDS.indexOf('stackWanted'));
  }

  /** False once it was left. */
  get isShared(): boolean {
    return this.#numbers.buffer === sharedRows().buffer;
  }

  /** It stands there a moment later, unless there is no room for a thread. In a worker's own child the line is not shared. */
  measurePrivateMemory(): void {
    if (!this.isShared) return;
    binding.private_memory_measure(wordOfRows(this.index * ROW + FIELDS.indexOf('privateMemory')));
  }

  /** For the manager: nobody else will accept what waits in the worker's queue. */
  askToDrain(): void {
    this.set('draining', 1);
  }

  /** For the manager: the whole server ends, so that the worker closes idle connections early. */
  tellOfEnd(): void {
    this.set('ending', 1);
  }

  /** From now on this line is among those whose workers hear others, or have heard them. */
  letOthersRing(): void {
    raise(BELLS, this.index + 1);
  }

  free(): void {
    this.#numbers.fill(0);
    this.answers.free();
    sharedMarks().fill(0, this.index * MARK, (this.index + 1) * MARK);
  }

  /** In a child of the worker, which must not beat or count for it: from now on this line is one that nobody else sees. */
  leave(): void {
    this.#numbers = this.#numbers.slice();
    this.answers.leave();
  }

  /** As others believe them. */
  figures(): Figures {
    return figuresIn(this.#numbers);
  }

  status(): WorkerStatus {
    return {
      id: this.get('id'),
      pid: this.get('pid'),
      state: STATES[this.get('state')] ?? 'booting',
      generation: this.get('generation'),
      restarts: this.get('restarts'),
      startedAt: new Date(this.get('startedAt')),
      requests: this.get('requests'),
      connections: this.get('connections'),
      loopDelay: this.get('loopDelay'),
      heapUsed: this.get('heapUsed'),
      privateMemory: this.get('privateMemory'),
      sinceBeat: monotonic() - this.get('beat'),
    };
  }
}

/** What a worker says of itself, as others read it: anything may stand there. */
export interface Figures
  extends Pick<WorkerStatus, 'requests' | 'connections' | 'loopDelay' | 'heapUsed' | 'privateMemory'> {
  /** When its loop turned last, by the monotonic clock. */
  beat: number;
  /** How often log files had been opened anew when it opened its own. */
  reopened: number;
}

/** That of a worker which boots, and which nobody sees: for a rehearsal. */
export function unseenRow(): Row {
  const row = new Row(Row.count - 1);
  row.leave();
  row.set('state', BOOTING);
  return row;
}

/** Where a line is in the file of this memory, in bytes. */
export function placeOfLine(index: number): { at: number; bytes: number } {
  const bytes = ROW * Float64Array.BYTES_PER_ELEMENT;
  return { at: ROWS_AT + index * bytes, bytes };
}

/** @param line as it is in the file */
export function figuresIn(line: Float64Array): Figures {
  const figure = (field: Field) => {
    const value = line[FIELDS.indexOf(field)] ?? 0;
    return value >= 0 && value <= Number.MAX_SAFE_INTEGER ? value : 0;
  };
  return {
    requests: figure('requests'),
    connections: figure('connections'),
    loopDelay: figure('loopDelay'),
    heapUsed: figure('heapUsed'),
    privateMemory: figure('privateMemory'),
    beat: figure('beat'),
    reopened: figure('reopened'),
  };
}

/** A word of the header that only grows. */
function raise(word: number, least: number): void {
  const words = sharedHeader();
  for (;;) {
    const seen = Atomics.load(words, word);
    if (seen >= least || Atomics.compareExchange(words, word, seen, least) === seen) return;
  }
}

/** How many lines there are up to the last one whose worker hears others. */
export function linesWithBells(): number {
  return Math.min(Math.max(0, Atomics.load(sharedHeader(), BELLS)), Row.count);
}

/** For natives: how many lines they have to look at. */
export function linesInUse(): Int32Array {
  return sharedHeader().subarray(LINES, LINES + 1);
}

function rows(): Row[] {
  return Array.from({ length: Row.count }, (_, index) => new Row(index));
}

/** As many workers as there can be, those that are being replaced included. */
export const MAX_WORKERS = 1024;

/**
 * What the workers say of themselves: one entry each, by id, those that are being replaced included. The same in every
 * worker; empty where no manager runs. Reading it costs no message and no system call.
 */
export function scoreboard(): WorkerStatus[] {
  return rows()
    .filter((row) => row.isTaken && row.get('pid') !== 0)
    .map((row) => row.status())
    .sort((one, other) => one.id - other.id || one.pid - other.pid);
}

/** For the manager: has every worker open its log files anew at its next beat. */
export function askToReopenLogs(): void {
  Atomics.add(sharedHeader(), REOPEN, 1);
}

/** How often that has been asked for. */
export function reopenCount(): number {
  return Atomics.load(sharedHeader(), REOPEN);
}

/** Milliseconds between two beats while somebody looks, who is to see within a second that a loop stands still. */
export const WATCHED_INTERVAL = 250;

/**
 * For the attendant, while it shows the workers to somebody: until that moment of the monotonic clock they beat often. Any worker
 * can have the others do that, which costs them little.
 */
export function watchUntil(moment: number): void {
  Atomics.store(sharedHeader(), WATCHED, Math.ceil(moment / 1000));
}

export function isWatched(): boolean {
  return Atomics.load(sharedHeader(), WATCHED) * 1000 > monotonic();
}

/** Has every worker that is told of it publish the application's metrics: the number of this question. */
export function askForMetrics(): number {
  return (Atomics.add(sharedHeader(), METRICS, 1) + 1) | 0;
}

/** The number of the last one. */
export function metricsAskedFor(): number {
  return Atomics.load(sharedHeader(), METRICS);
}
