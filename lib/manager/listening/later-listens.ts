/**
 * Addresses that the application listens on after its first `listen`, which is where it was forked: only a worker learns
 * of them, and only the parent can bind them for all. So a worker that is not ready yet and asks for one that nobody has
 * bound leaves a note and ends; the parent binds it and forks that worker anew, which then finds it.
 */
import { readSync, writeSync } from 'node:fs';
import { pipe } from '../../os';
import type { Wish } from './bind';
import { Endpoint } from './endpoints';

/** What became of a wish in the parent. */
export type Answer = { endpoint: Endpoint } | { error: NodeJS.ErrnoException };

interface Note {
  /** The worker's. */
  id: number;
  wish: Wish;
  /** How many equal ones came before it: the second is to fail as it would anywhere. */
  index: number;
}

/** A worker that asks for another address each time would never come to serve. */
const NOTES_OF_ONE_WORKER = 32;

export class LaterListens {
  readonly #pipe = pipe();
  readonly #answers = new Map<string, Answer[]>();
  readonly #notes = new Map<number, number>();
  /** In a worker: which of the answers it has had. */
  readonly #given = new Map<string, number>();
  readonly #allow: (wish: Wish) => Wish;
  /** Lines that have been read, the last one perhaps in part. */
  #text = '';

  /** @param allow says who may connect to what is bound */
  constructor(allow: (wish: Wish) => Wish) {
    this.#allow = allow;
  }

  get endpoints(): Endpoint[] {
    return [...this.#answers.values()].flat().flatMap((each) => ('endpoint' in each ? each.endpoint : []));
  }

  /** For a worker; undefined: nobody has asked for it yet. */
  answer(wish: Wish): Answer | undefined {
    const key = JSON.stringify(wish);
    const index = this.#given.get(key) ?? 0;
    const answer = this.#answers.get(key)?.[index];
    if (answer !== undefined) this.#given.set(key, index + 1);
    return answer;
  }

  /** For a worker, which is to end then. False if it has left too many. */
  leaveNote(id: number, wish: Wish): boolean {
    if ((this.#notes.get(id) ?? 0) >= NOTES_OF_ONE_WORKER) return false;
    const note: Note = { id, wish, index: this.#given.get(JSON.stringify(wish)) ?? 0 };
    // Shorter than PIPE_BUF, so that lines of several workers do not mix (write(2)).
    writeSync(this.#pipe[1], `${JSON.stringify(note)}\n`);
    return true;
  }

  /** For the parent, once for each worker that has ended after leaving a note. Undefined: it is answered already. */
  readNote(): { wish: Wish; answer: Answer } | undefined {
    const { id, wish, index } = JSON.parse(this.#readLine()) as Note;
    this.#notes.set(id, (this.#notes.get(id) ?? 0) + 1);
    const key = JSON.stringify(wish);
    const answers = this.#answers.get(key) ?? [];
    if (answers.length > index) return undefined;
    const answer = this.#bind(wish);
    this.#answers.set(key, [...answers, answer]);
    return { wish, answer };
  }

  /** Not balanced: there may be workers that never ask for it, and would leave their queues to themselves. */
  #bind(wish: Wish): Answer {
    try {
      return { endpoint: new Endpoint(this.#allow(wish), 0) };
    } catch (error) {
      return { error: error as NodeJS.ErrnoException };
    }
  }

  #readLine(): string {
    const buffer = Buffer.alloc(4096);
    while (!this.#text.includes('\n')) {
      this.#text += buffer.toString('utf8', 0, readSync(this.#pipe[0], buffer));
    }
    const end = this.#text.indexOf('\n');
    const line = this.#text.slice(0, end);
    this.#text = this.#text.slice(end + 1);
    return line;
  }
}
