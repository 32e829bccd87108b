/** Answers as they come, for as many chunks as are wanted: no more are begun than somebody takes. */
import type { Chunk } from './chunks';
import type { Crew } from './crew';

type Source = AsyncIterator<Chunk> | Iterator<Chunk>;

/** From a source, by a crew, to a reader, who sets the pace. */
export class Flow {
  readonly #crew: Crew;
  readonly #source: Source;
  readonly #window: number;
  readonly #isOrdered: boolean;
  /** In the order in which they are to be read. */
  readonly #answers: Promise<unknown[]>[] = [];
  /** Begun, and not read. */
  #open = 0;
  #isExhausted = false;
  readonly #waiting: (() => void)[] = [];

  /** @param window how many chunks may be begun and not read */
  constructor(crew: Crew, source: Source, window: number, isOrdered: boolean) {
    this.#crew = crew;
    this.#source = source;
    this.#window = window;
    this.#isOrdered = isOrdered;
  }

  /** Whoever leaves early leaves the source, too, and is to dismiss the crew. */
  async *read(): AsyncGenerator<unknown, void, undefined> {
    this.#feed().catch((error) => this.#end(Promise.reject(error)));
    try {
      for (let answer = await this.#next(); answer !== undefined; answer = await this.#next()) {
        yield* await answer;
        this.#open--;
        this.#changed();
      }
    } finally {
      const isLeft = !this.#isExhausted;
      this.#isExhausted = true;
      this.#changed();
      // It may be in the middle of waiting for something that never comes.
      if (isLeft) Promise.resolve(this.#source.return?.()).catch(() => {});
    }
  }

  /** Undefined at the end. */
  async #next(): Promise<Promise<unknown[]> | undefined> {
    while (this.#answers.length === 0 && !(this.#isExhausted && this.#open === 0)) await this.#change();
    return this.#answers.shift();
  }

  async #feed(): Promise<void> {
    for (;;) {
      while (this.#open >= this.#window && !this.#isExhausted) await this.#change();
      if (this.#isExhausted) return;
      const { done, value } = await this.#source.next();
      if (this.#isExhausted) return;
      if (done === true) break;
      this.#begin(value);
    }
    this.#isExhausted = true;
    this.#crew.complete();
    this.#changed();
  }

  #begin(chunk: Chunk): void {
    this.#open++;
    const answer = this.#crew.do(chunk);
    const add = () => this.#add(answer);
    if (this.#isOrdered) add();
    answer.then(this.#isOrdered ? undefined : add, this.#isOrdered ? () => {} : add);
  }

  #add(answer: Promise<unknown[]>): void {
    this.#answers.push(answer);
    this.#changed();
  }

  /** The source has failed. */
  #end(failure: Promise<never>): void {
    failure.catch(() => {}); // the reader hears of it
    this.#isExhausted = true;
    this.#open++;
    this.#add(failure);
  }

  #changed(): void {
    for (const resume of this.#waiting.splice(0)) resume();
  }

  #change(): Promise<void> {
    return new Promise((resolve) => this.#waiting.push(resolve));
  }
}
