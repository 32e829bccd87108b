/** The children of one call of a pool: they are forked when they are first needed, and kept until the call is over. */
import type { Confines } from './child';
import type { Chunk } from './chunks';
import { KeptChild, type Service, type Wanted } from './kept-child';
import type { Places } from './places';

/** What a pool tells each of its crews. */
export interface CrewSettings {
  processes: number;
  /** Of items, until a child ends and another one takes its place. */
  maxTasks: number;
  confines: Confines;
  places: Places;
}

export class Crew {
  readonly #service: Service;
  readonly #settings: CrewSettings;
  readonly #queue: Wanted[] = [];
  readonly #idle: KeptChild[] = [];
  readonly #children = new Set<KeptChild>();
  readonly #lives = new Set<Promise<void>>();
  readonly #dismissed = new AbortController();
  readonly #giveUpPlace = () => this.#letOneGo();
  #starting = 0;
  /** Of these: who have their first chunk, and need none of the queue. */
  #supplied = 0;
  #isComplete = false;
  #failure: { error: unknown } | undefined;

  constructor(service: Service, settings: CrewSettings) {
    this.#service = service;
    this.#settings = settings;
    settings.places.hold(this.#giveUpPlace);
  }

  /** What the work gives for each of the items. The first that fails ends the crew, and all that it has in hand. */
  do(chunk: Chunk): Promise<unknown[]> {
    return new Promise((resolve, reject) => {
      if (this.#failure !== undefined) return reject(this.#failure.error);
      this.#queue.push({ chunk, resolve, reject });
      this.#serve();
    });
  }

  /** No more chunks come: whoever has nothing to do ends. */
  complete(): void {
    this.#isComplete = true;
    while (this.#letOneGo());
  }

  /** Ends all children at once; whatever is not done rejects with `error`. */
  dismiss(error: unknown): void {
    if (this.#failure !== undefined) return;
    this.#failure = { error };
    this.#dismissed.abort();
    for (const { reject } of this.#queue.splice(0)) reject(error);
    for (const child of this.#children) child.kill();
  }

  /** Resolves when all children have ended. */
  async ended(): Promise<void> {
    while (this.#lives.size > 0) await Promise.all(this.#lives);
    this.#settings.places.release(this.#giveUpPlace);
  }

  #serve(): void {
    while (this.#queue.length > 0 && this.#idle.length > 0) {
      const child = this.#idle.pop() as KeptChild;
      child.do(this.#inHand(this.#queue.shift() as Wanted, () => child));
    }
    const room = this.#settings.processes - this.#children.size - this.#starting;
    const forOthers = this.#queue.length - (this.#starting - this.#supplied);
    for (let i = Math.min(forOthers, room); i > 0; i--) this.#startOne();
  }

  #startOne(): void {
    this.#starting++;
    const life = this.#settings.places
      .use(() => this.#useOne(), this.#dismissed.signal)
      .catch((error) => this.dismiss(error))
      .finally(() => this.#lives.delete(life));
    this.#lives.add(life);
  }

  /** From its fork to its end. */
  async #useOne(): Promise<void> {
    const child = await this.#start();
    if (child === undefined) return;
    this.#children.add(child);
    if (this.#failure !== undefined) child.kill();
    else if (!child.isAtWork) this.#goOn(child);
    try {
      await child.end;
    } finally {
      this.#forget(child);
    }
    if (this.#failure === undefined) this.#serve();
  }

  /** None if there is nothing left for it: others were quicker. */
  async #start(): Promise<KeptChild | undefined> {
    let child: KeptChild | undefined;
    let isSupplied = false;
    const first = () => {
      const wanted = this.#queue.shift();
      if (wanted === undefined) return undefined;
      isSupplied = true;
      this.#supplied++;
      return this.#inHand(wanted, () => child as KeptChild);
    };
    try {
      if (this.#queue.length === 0) return undefined;
      const { confines } = this.#settings;
      child = await KeptChild.start(this.#service, confines, this.#dismissed.signal, first);
      return child;
    } finally {
      this.#starting--;
      if (isSupplied) this.#supplied--;
    }
  }

  /** The next chunk, rest, or the end. */
  #goOn(child: KeptChild): void {
    if (child.hasEnded) return; // by itself: another one takes its place
    const { maxTasks, places } = this.#settings;
    const isDone = child.served >= maxTasks;
    const wanted = isDone ? undefined : this.#queue.shift();
    if (wanted !== undefined) child.do(this.#inHand(wanted, () => child));
    else if (isDone || this.#isComplete || places.areWanted) this.#letGo(child);
    else this.#idle.push(child);
  }

  /** A chunk as a child is given it: what becomes of it is news for the crew, too. */
  #inHand({ chunk, resolve, reject }: Wanted, child: () => KeptChild): Wanted {
    return {
      chunk,
      resolve: (values) => {
        resolve(values);
        if (this.#children.has(child()) && this.#failure === undefined) this.#goOn(child());
      },
      reject: (error) => {
        this.dismiss(error); // unless that is why it has failed
        reject(this.#failure?.error);
      },
    };
  }

  /** One that has nothing to do. */
  #letOneGo(): boolean {
    const child = this.#idle.pop();
    if (child !== undefined) this.#letGo(child);
    return child !== undefined;
  }

  #letGo(child: KeptChild): void {
    this.#children.delete(child);
    child.kill();
  }

  #forget(child: KeptChild): void {
    this.#children.delete(child);
    const place = this.#idle.indexOf(child);
    if (place >= 0) this.#idle.splice(place, 1);
  }
}
