/**
 * Processes that wait, in the order in which they came, in the rest of a page: identities, and 0 where one has left.
 * Only within the section of the page. Whatever a process that is killed in the middle leaves behind holds every identity that
 * was in it.
 */
import { outOfRange } from '../base/arguments';
import { ring } from './members';

const HEAD = 1;
const TAIL = 2;
const FIRST = 16;

/** Words of a page that are its owner's: from here to the first of the line. */
export const STATE_AT = 3;

export class Line {
  readonly #words: Int32Array;
  readonly #room: number;

  constructor(page: Int32Array) {
    this.#words = page;
    this.#room = page.length - FIRST;
  }

  #at(index: number): number {
    return this.#words[FIRST + index] ?? 0;
  }

  get #head(): number {
    return this.#words[HEAD] ?? 0;
  }

  get #tail(): number {
    return this.#words[TAIL] ?? 0;
  }

  /** All of them, the first first. */
  all(): number[] {
    return Array.from(this.#words.subarray(FIRST + this.#head, FIRST + this.#tail)).filter((id) => id !== 0);
  }

  /** Who stands at this place or is the next one behind it; 0: nobody. */
  #from(index: number): number {
    for (let at = index; at < this.#tail; at++) {
      const identity = this.#at(at);
      if (identity !== 0) return identity;
    }
    return 0;
  }

  // Each lock asks for these: without a list.

  first(): number {
    return this.#from(this.#head);
  }

  count(identity: number): number {
    let count = 0;
    for (let index = this.#head; index < this.#tail; index++) if (this.#at(index) === identity) count++;
    return count;
  }

  /** Who comes just before its first place; 0: nobody, or it has none. */
  before(identity: number): number {
    let before = 0;
    for (let index = this.#head; index < this.#tail; index++) {
      const each = this.#at(index);
      if (each === identity) return before;
      if (each !== 0) before = each;
    }
    return 0;
  }

  /** Who comes just after its first place; the first if it has none; 0: nobody. */
  after(identity: number): number {
    for (let index = this.#head; index < this.#tail; index++) {
      if (this.#at(index) === identity) return this.#from(index + 1);
    }
    return this.first();
  }

  #moveUp(): void {
    const words = this.#words;
    words[HEAD] = 0; // what is before it is 0
    let to = 0;
    for (let from = 0; from < this.#room; from++) {
      const identity = this.#at(from);
      if (identity === 0) continue;
      words[FIRST + to] = identity; // twice, for a moment
      if (to !== from) words[FIRST + from] = 0;
      to++;
    }
    words[TAIL] = to;
  }

  /** @throws RangeError `ERR_PREFORK_OUT_OF_RANGE` if there is no room */
  append(identity: number): void {
    if (this.#head > this.#tail) this.#words[HEAD] = 0;
    if (this.#tail >= this.#room) this.#moveUp();
    if (this.#tail >= this.#room) throw outOfRange(`Expected at most ${this.#room} to wait at a time`);
    this.#words[FIRST + this.#tail] = identity;
    this.#words[TAIL] = this.#tail + 1;
  }

  /** Its place number `which`, from 0; the first if not said. */
  remove(identity: number, which = 0): void {
    let seen = 0;
    for (let index = this.#head; index < this.#tail; index++) {
      if (this.#at(index) !== identity || seen++ !== which) continue;
      this.#words[FIRST + index] = 0;
      break;
    }
    this.#shorten();
  }

  #shorten(): void {
    while (this.#head < this.#tail && this.#at(this.#head) === 0) this.#words[HEAD] = this.#head + 1;
    if (this.#head < this.#tail) return;
    this.#words[TAIL] = 0;
    this.#words[HEAD] = 0;
  }

  removeAll(identity: number): void {
    while (this.count(identity) > 0) this.remove(identity);
  }

  /** Rings the first that is alive, and says who it is; 0: nobody waits. */
  ringFirst(): number {
    for (let identity = this.first(); identity !== 0; identity = this.first()) {
      if (ring(identity)) return identity;
      this.removeAll(identity);
    }
    return 0;
  }

  ringAll(): void {
    for (const identity of new Set(this.all())) {
      if (!ring(identity)) this.removeAll(identity);
    }
  }
}
