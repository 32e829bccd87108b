/**
 * What a command asks one worker, and what that answers, in memory that both share: neither needs the manager for it, which runs on
 * as if nothing were. Each box holds one question, with the bytes of its answer in a ring. Others than the two can write there,
 * too: each side believes what it reads no further than that it is answered wrongly, and neither waits for the other for ever.
 */
import { delay, monotonic } from '../base/timers';
import { sharedQuestions } from '../shared/memory';

const KINDS = ['stack', 'profile', 'snapshot'] as const;
export type Kind = (typeof KINDS)[number];

/** What is answered at once has a box of its own: profiles and snapshots take their time. */
const BOX_OF: Record<Kind, number> = { stack: 0, profile: 1, snapshot: 1 };
const BOXES = 2;
/** Bytes before the ring: its words, on a page of their own. */
const HEADER = 4096;

/** The words of a box. */
const WORDS = [
  /** Which question this is: 0 while there is none. The last to be written. */
  'number',
  'row',
  'pid',
  'kind',
  'argument',
  /** Goes on as long as the command waits. */
  'asker',
  'state',
  /** Goes on as long as the worker works on it. */
  'answerer',
  /** Bytes so far, modulo 2^32. */
  'written',
  'read',
] as const;
type Word = (typeof WORDS)[number];

/** `failed`: the answer says why there is none. */
const STATES = ['asked', 'begun', 'whole', 'failed'] as const;
export type State = (typeof STATES)[number];

/** The argument of a question for a snapshot that is to be taken even if memory may not suffice. That of a profile: milliseconds. */
export const ROOM_OR_NOT = 1;

/** The worker that is meant. */
export interface Addressee {
  /** Its line of the scoreboard. */
  row: number;
  /** As the manager sees it. */
  pid: number;
}

/** Milliseconds after which a command that does nothing is taken for gone. */
const GONE_AFTER = 10_000;
/** Between two looks at a ring that is full. */
const LOOK_INTERVAL = 1;

class Box {
  readonly #words: Int32Array;
  readonly #ring: Uint8Array;

  constructor(kind: Kind) {
    const { buffer, byteOffset, byteLength } = sharedQuestions();
    const size = byteLength / BOXES;
    const at = byteOffset + BOX_OF[kind] * size;
    this.#words = new Int32Array(buffer, at, WORDS.length);
    this.#ring = new Uint8Array(buffer, at + HEADER, size - HEADER);
  }

  get(word: Word): number {
    return Atomics.load(this.#words, WORDS.indexOf(word));
  }

  set(word: Word, value: number): void {
    Atomics.store(this.#words, WORDS.indexOf(word), value);
  }

  add(word: Word, amount: number): void {
    Atomics.add(this.#words, WORDS.indexOf(word), amount);
  }

  get capacity(): number {
    return this.#ring.length;
  }

  /** In the ring, written and not read. */
  get unread(): number {
    return (this.get('written') - this.get('read')) >>> 0;
  }

  /** As much as there is room for: how much that was. */
  write(bytes: Uint8Array): number {
    const room = Math.max(0, this.capacity - this.unread);
    const part = bytes.subarray(0, room);
    const at = (this.get('written') >>> 0) % this.capacity;
    const before = part.subarray(0, this.capacity - at);
    this.#ring.set(before, at);
    this.#ring.set(part.subarray(before.length), 0);
    this.add('written', part.length);
    return part.length;
  }

  /** A copy of all that there is. */
  read(count: number): Buffer {
    const at = (this.get('read') >>> 0) % this.capacity;
    const before = this.#ring.subarray(at, Math.min(at + count, this.capacity));
    const bytes = Buffer.concat([before, this.#ring.subarray(0, count - before.length)]);
    this.add('read', count);
    return bytes;
  }
}

// --- The command ---

/** Of a command that has the box for itself. */
export class Question {
  readonly #box: Box;
  readonly #number: number;

  constructor(kind: Kind, { row, pid }: Addressee, argument = 0) {
    this.#box = new Box(kind);
    // Any other than the last one, which its worker may still be at.
    this.#number = 1 + Math.floor(Math.random() * (2 ** 31 - 2));
    this.withdraw();
    const words: [Word, number][] = [
      ['row', row],
      ['pid', pid],
      ['kind', KINDS.indexOf(kind)],
      ['argument', argument],
      ['state', 0],
      ['written', 0],
      ['read', 0],
      ['number', this.#number],
    ];
    for (const [word, value] of words) this.#box.set(word, value);
  }

  /** To be called again and again: somebody waits for the answer. */
  await(): void {
    this.#box.add('asker', 1);
  }

  /** The state before what is read next: behind `whole` nothing comes. */
  get state(): State {
    return STATES[this.#box.get('state')] ?? 'asked';
  }

  /** Changes while the worker is at it. */
  get progress(): string {
    return ['state', 'answerer', 'written'].map((word) => this.#box.get(word as Word)).join();
  }

  /**
   * What has come since; empty if nothing has.
   *
   * @throws Error: what stands there cannot be
   */
  read(): Buffer {
    const count = this.#box.unread;
    if (count > this.#box.capacity) throw new Error('What the worker answers is no answer');
    return this.#box.read(count);
  }

  /** Nobody is to answer any more. */
  withdraw(): void {
    this.#box.set('number', 0);
  }
}

// --- The worker ---

export class Answer {
  readonly number: number;
  readonly kind: Kind;
  readonly argument: number;
  readonly #box: Box;
  #heard: number;
  #heardAt = monotonic();
  #isAbandoned = false;

  private constructor(box: Box, number: number, kind: Kind) {
    this.#box = box;
    this.number = number;
    this.kind = kind;
    this.argument = box.get('argument');
    this.#heard = box.get('asker');
  }

  /** To a question in the box of this kind that is for this worker. */
  static to(kind: Kind, { row, pid }: Addressee): Answer | undefined {
    const box = new Box(kind);
    const number = box.get('number');
    if (number === 0 || box.get('row') !== row || box.get('pid') !== pid) return undefined;
    const asked = KINDS[box.get('kind')];
    return asked === undefined || BOX_OF[asked] !== BOX_OF[kind] ? undefined : new Answer(box, number, asked);
  }

  /** The command that has asked still waits. */
  get isAwaited(): boolean {
    if (this.#isAbandoned || this.#box.get('number') !== this.number) return false;
    const heard = this.#box.get('asker');
    if (heard !== this.#heard) this.#heardAt = monotonic();
    this.#heard = heard;
    return monotonic() - this.#heardAt < GONE_AFTER;
  }

  /** The worker does nothing more for it. */
  abandon(): void {
    this.#isAbandoned = true;
  }

  begin(): void {
    this.#setState('begun');
  }

  /** To be called again and again: the worker is at it. */
  goOn(): void {
    if (this.isAwaited) this.#box.add('answerer', 1);
  }

  /** All of it at once; what there is no room for is lost. */
  give(bytes: Uint8Array): void {
    if (!this.isAwaited) return;
    this.#box.write(bytes);
    this.#setState('whole');
  }

  /** A part, as fast as the command reads. Gives up if nobody does. */
  async send(bytes: Uint8Array): Promise<void> {
    for (let rest = bytes; rest.length > 0 && this.isAwaited; ) {
      rest = rest.subarray(this.#box.write(rest));
      if (rest.length > 0) await delay(LOOK_INTERVAL);
    }
  }

  finish(): void {
    this.#setState('whole');
  }

  fail(why: string): void {
    if (!this.isAwaited) return;
    // What the command has not read by now it reads as a part of the reason.
    this.#box.write(Buffer.from(why));
    this.#setState('failed');
  }

  #setState(state: State): void {
    if (this.isAwaited) this.#box.set('state', STATES.indexOf(state));
  }
}
