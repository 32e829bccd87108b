/** Processes that all wait for the same, and are all told. Each stands in the line once, however many wait in it. */
import { Line } from './line';
import { type Awaited, blocking, OwnList, soon, timeLimit, type Wait } from './news';
import { inside } from './section';

export class Crowd {
  readonly #page: Int32Array;
  readonly #line: Line;
  readonly #waiting = new OwnList<Wait>();

  /** @param page the line, and the section that guards it; another page's section if `section` is given */
  constructor(page: Int32Array, section = page) {
    this.#page = section;
    this.#line = new Line(page);
  }

  /** Before what they wait for. Only within the section. */
  ringAll(): void {
    this.#line.ringAll();
  }

  /** What `look`, which is called within the section, finds within so many seconds. */
  wait<T>(look: (own: number) => T | undefined, timeout: number | null | undefined): Promise<T | undefined> {
    return soon(this.#awaited(look), timeLimit(timeout));
  }

  /** The same, blocking the thread. */
  block<T>(look: (own: number) => T | undefined, timeout: number | null | undefined): T | undefined {
    return blocking(this.#awaited(look), timeLimit(timeout));
  }

  #awaited<T>(look: (own: number) => T | undefined): Awaited<T> {
    let mine: Wait | undefined;
    const leave = () => {
      const { items } = this.#waiting;
      const at = mine === undefined ? -1 : items.indexOf(mine);
      if (at < 0) return;
      items.splice(at, 1);
      if (items.length === 0) inside(this.#page, (own) => this.#line.removeAll(own));
    };
    const lookInside = (own: number): T | undefined => {
      const found = look(own);
      if (found === undefined && this.#line.count(own) === 0) this.#line.append(own);
      return found;
    };
    return {
      look: (wait) => {
        if (mine === undefined) this.#waiting.items.push(wait);
        mine = wait;
        const found = inside(this.#page, lookInside);
        if (found !== undefined) leave();
        return found;
      },
      leave,
    };
  }
}
