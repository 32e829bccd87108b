/**
 * Processes that wait for their turn, first come, first served: for a lock, a permit, an item or a place of a queue.
 *
 * Invariant: each waiting process is told of the end of the one just before it, and the first of the end of whoever is in
 * its way. Whoever leaves the line alive, or lets the next one in, rings it. So nobody waits for one that is dead.
 *
 * A process stands in the line once, however many wait in it; after each success it goes to the end.
 */
import { Line } from './line';
import { isAlive, ring } from './members';
import { blocking, OwnList, soon, timeLimit, type Wait } from './news';
import { inside } from './section';

/** What lets them in. All of it is called within the section. */
export interface Gate<T, With = void> {
  /** Goes through with what one carries: what one has got by it; undefined: it is shut. */
  pass(own: number, carried: With): T | undefined;
  /** Whether the next one could go through, too. */
  isOpen(): boolean;
  /** Whose end would open it; 0: nobody's. */
  holder?(): number;
  /** That one has ended. */
  bereave?(): void;
}

export class Turnstile<T, With = void> {
  readonly #page: Int32Array;
  readonly #line: Line;
  readonly #gate: Gate<T, With>;
  readonly #waiting = new OwnList<Wait>();

  /** @param page the line, and the section that guards it and the gate; another page's section if `section` is given */
  constructor(page: Int32Array, gate: Gate<T, With>, section = page) {
    this.#page = section;
    this.#line = new Line(page);
    this.#gate = gate;
  }

  #passOrBury(own: number, carried: With, isDead: (holder: number) => boolean): T | undefined {
    const passed = this.#gate.pass(own, carried);
    if (passed !== undefined) return passed;
    const holder = this.#gate.holder?.() ?? 0;
    if (holder === 0 || holder === own || !isDead(holder)) return undefined;
    this.#gate.bereave?.();
    return this.#gate.pass(own, carried);
  }

  /** At once, past all that wait. */
  tryNow(carried: With): T | undefined {
    return inside(this.#page, (own) => this.#passOrBury(own, carried, (holder) => !isAlive(holder)));
  }

  /** At once, if nobody waits. */
  #withoutWaiting(carried: With): T | undefined {
    return inside(this.#page, (own) =>
      this.#line.first() === 0 ? this.#gate.pass(own, carried) : undefined,
    );
  }

  /** Undefined: not within so many seconds. */
  async wait(timeout: number | null | undefined, carried: With): Promise<T | undefined> {
    const within = timeLimit(timeout);
    const passed = within === 0 ? this.tryNow(carried) : this.#withoutWaiting(carried);
    return passed !== undefined || within === 0 ? passed : soon(this.#awaited(carried), within);
  }

  /** The same, blocking the thread. */
  block(timeout: number | null | undefined, carried: With): T | undefined {
    const within = timeLimit(timeout);
    const passed = within === 0 ? this.tryNow(carried) : this.#withoutWaiting(carried);
    return passed !== undefined || within === 0 ? passed : blocking(this.#awaited(carried, true), within);
  }

  /** Somebody who blocks the loop goes before the others of this process, which cannot go on anyway. */
  #awaited(carried: With, isFirst = false): { look(wait: Wait): T | undefined; leave(): void } {
    let mine: Wait | undefined;
    return {
      look: (wait) => {
        const { items } = this.#waiting;
        if (mine === undefined && isFirst) items.unshift(wait);
        else if (mine === undefined) items.push(wait);
        mine = wait;
        return items[0] === wait ? inside(this.#page, (own) => this.#look(wait, own, carried)) : undefined;
      },
      leave: () => {
        if (mine !== undefined) this.#leave(mine);
      },
    };
  }

  #look(wait: Wait, own: number, carried: With): T | undefined {
    if (this.#line.count(own) === 0) this.#line.append(own);
    for (let before = this.#line.before(own); before !== 0; before = this.#line.before(own)) {
      if (wait.watch(before)) return undefined;
      this.#line.removeAll(before);
    }
    const passed = this.#passOrBury(own, carried, (holder) => !wait.watch(holder));
    if (passed !== undefined) this.#goOn(own);
    return passed;
  }

  /** Through: the next one of this process stands at the end. */
  #goOn(own: number): void {
    const { items } = this.#waiting;
    items.shift();
    this.#line.removeAll(own);
    if (this.#gate.isOpen()) this.#line.ringFirst();
    if (items.length === 0) return;
    this.#line.append(own);
    ring(own);
  }

  #leave(mine: Wait): void {
    const { items } = this.#waiting;
    const at = items.indexOf(mine);
    if (at < 0) return;
    items.splice(at, 1);
    inside(this.#page, (own) => {
      const next = items.length > 0 ? own : this.#line.after(own);
      if (items.length === 0) this.#line.removeAll(own);
      if (next !== 0) ring(next);
    });
  }

  /** Before what opens the gate. Only within the section. */
  ringFirst(): void {
    this.#line.ringFirst();
  }
}
