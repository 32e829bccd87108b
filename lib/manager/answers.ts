/**
 * What a worker counts of the answers that it has given, in a line of its own beside that of the scoreboard. Each line has one
 * writer at a time, as there. All of them read.
 */
import { sharedAnswers } from '../shared/memory';

export interface Answers {
  /** How many had a status of 1xx, 2xx, … 5xx. */
  byStatus: number[];
  /** How many took longer than the bound before and no longer than this one; the last has none. */
  byDuration: number[];
  /** How long all of them took together. */
  seconds: number;
}

/** In seconds: those that libraries for Prometheus have in common. */
export const BOUNDS = [0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10];

const CLASSES = 5;
const DURATIONS = CLASSES;
const SUM = DURATIONS + BOUNDS.length + 1;
/** Numbers in a line: four cache lines, which no other worker writes to. */
const LINE = 32;

/** Of one worker. */
export class AnswersLine {
  #numbers: Float64Array;

  constructor(index: number) {
    this.#numbers = sharedAnswers().subarray(index * LINE, (index + 1) * LINE);
  }

  /** For every answer. */
  note(status: number, milliseconds: number): void {
    const seconds = milliseconds / 1000;
    const numbers = this.#numbers;
    const group = Math.floor(status / 100) - 1;
    if (group >= 0 && group < CLASSES) numbers[group] = (numbers[group] ?? 0) + 1;
    let place = 0;
    while (place < BOUNDS.length && seconds > (BOUNDS[place] ?? 0)) place += 1;
    numbers[DURATIONS + place] = (numbers[DURATIONS + place] ?? 0) + 1;
    numbers[SUM] = (numbers[SUM] ?? 0) + seconds;
  }

  /** As others believe it. */
  read(): Answers {
    const believed = Array.from(this.#numbers, (each) =>
      each >= 0 && each <= Number.MAX_SAFE_INTEGER ? each : 0,
    );
    return {
      byStatus: believed.slice(0, CLASSES).map(Math.floor),
      byDuration: believed.slice(DURATIONS, SUM).map(Math.floor),
      seconds: believed[SUM] ?? 0,
    };
  }

  free(): void {
    this.#numbers.fill(0);
  }

  /** In a child of the worker, which must not count for it. */
  leave(): void {
    this.#numbers = this.#numbers.slice();
  }
}

export function noAnswers(): Answers {
  return {
    byStatus: Array(CLASSES).fill(0),
    byDuration: Array(BOUNDS.length + 1).fill(0),
    seconds: 0,
  };
}

/** The sum stays a number, whatever is added. */
export function sumOf(one: Answers, other: Answers): Answers {
  const add = (these: number[], those: number[]) => these.map((each, at) => bounded(each + (those[at] ?? 0)));
  return {
    byStatus: add(one.byStatus, other.byStatus),
    byDuration: add(one.byDuration, other.byDuration),
    seconds: bounded(one.seconds + other.seconds),
  };
}

export function bounded(count: number): number {
  return Math.min(count, Number.MAX_SAFE_INTEGER);
}
