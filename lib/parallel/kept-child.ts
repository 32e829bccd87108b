/** A child that is kept while there are chunks for it. Chunks come by one pipe, answers go by another. */
import { closeSync } from 'node:fs';
import { constants } from 'node:os';
import { deserialize, serialize } from 'node:v8';
import { isThenable } from '../base/arguments';
import { binding } from '../base/binding';
import { check, systemError } from '../base/errors';
import { type Answer, thrownAnswer, thrownBy } from '../fork/answer';
import { allOrNone } from './all-or-none';
import { type Child, type Confines, failureOf, startChild } from './child';
import { type Chunk, nameOf } from './chunks';
import { pack, packWhole, unpack } from './large-buffers';
import { Inbox, Outbox, sendAtOnce } from './messages';
import { openPipe } from './pipes';

/** What a child does with a chunk. */
export interface Service {
  /** Called before all else. */
  initializer: (() => unknown) | undefined;
  /** What it finds in memory; undefined: items are sent. */
  list: readonly unknown[] | undefined;
  work: (item: unknown, index: number) => unknown;
}

// --- What parent and child share ---

function openFiles(): [here: number, there: number] {
  const ends = new Int32Array(2);
  check(binding.channel_open(ends), 'socketpair');
  return [ends[0] as number, ends[1] as number];
}

/** The ends of pipes, and of a socket for the files of large buffers. */
class Ends {
  readonly chunks: [reader: number, writer: number];
  readonly answers: [reader: number, writer: number];
  readonly files: [here: number, there: number];

  constructor() {
    [this.chunks, this.answers, this.files] = allOrNone((keep) => [
      keep(openPipe()),
      keep(openPipe()),
      openFiles(),
    ]);
  }

  /** In the parent, after the fork: the child's are not its own. */
  closeChilds(): void {
    for (const fd of [this.chunks[0], this.answers[1], this.files[1]]) closeSync(fd);
  }

  /** Nobody reads or writes them yet. */
  closeParents(): void {
    for (const fd of [this.chunks[1], this.answers[0], this.files[0]]) closeSync(fd);
  }
}

const { EMFILE } = constants.errno;
const ONE = new Uint8Array(1);

/** Whether it has been sent. The parent may have no room for it, or be too far behind. */
function sendFile(socket: number, file: number): boolean {
  const sent = binding.channel_send(socket, ONE, new Int32Array([file]));
  closeSync(file);
  return sent >= 0;
}

function receiveFile(socket: number): number {
  const received = new Int32Array(2);
  check(binding.channel_receive(socket, new Uint8Array(1), received), 'recvmsg');
  if (received[0] !== 1) throw systemError(-EMFILE, 'recvmsg'); // it has been sent, and the kernel had no place for it here
  return received[1] as number;
}

/** An answer, with its file, if one is spoken of in it. */
function receiveAnswer(content: Buffer, socket: number): Answer {
  let file: number | undefined;
  try {
    return unpack(content, () => (file ??= receiveFile(socket))) as Answer;
  } finally {
    if (file !== undefined) closeSync(file);
  }
}

// --- In the child ---

async function valuesOf(chunk: Chunk, { list, work }: Service): Promise<unknown[]> {
  const values: unknown[] = [];
  for (let i = 0; i < chunk.count; i++) {
    const index = chunk.first + i;
    const value = work(list === undefined ? chunk.items[i] : list[index], index);
    values.push(isThenable(value) ? await value : value);
  }
  return values;
}

/** What a child does for its parent from its first moment to its last. */
class Server {
  readonly #ends: Ends;
  readonly #service: Service;
  readonly #inbox: Inbox;
  #begun: Promise<unknown> | undefined;

  /** The first message has come with the fork, if there is one. */
  constructor(ends: Ends, service: Service, first: Buffer | undefined) {
    this.#ends = ends;
    this.#service = service;
    this.#begun = service.initializer === undefined ? undefined : Promise.resolve(service.initializer());
    this.#inbox = new Inbox(ends.chunks[0], (content) => this.#hear(content));
    if (first !== undefined) this.#hear(first);
  }

  #hear(content: Buffer): void {
    // While it is at work nothing but that work keeps it alive: a promise that cannot settle is noticed.
    this.#inbox.keepAlive(false);
    this.#serve(deserialize(content) as Chunk).then(
      () => this.#inbox.keepAlive(true),
      (error) => giveUp(this.#ends, error),
    );
  }

  async #serve(chunk: Chunk): Promise<void> {
    if (this.#begun !== undefined) await this.#begun;
    this.#begun = undefined;
    answer(this.#ends, { value: await valuesOf(chunk, this.#service) });
  }
}

/** Large buffers in a file by the socket, then the rest. */
function answer(ends: Ends, what: Answer): void {
  const { bytes, file } = pack(what);
  const isWhole = file === undefined || sendFile(ends.files[1], file);
  sendAtOnce(ends.answers[1], isWhole ? bytes : packWhole(what));
}

/** Also where nothing can be said of it. */
function giveUp(ends: Ends, error: unknown): never {
  try {
    answer(ends, thrownAnswer(error));
  } catch {
    // The parent has the status.
  }
  return binding.process_exit(1);
}

// --- In the parent ---

/** A chunk, and whoever waits for what comes of it. */
export interface Wanted {
  chunk: Chunk;
  resolve: (values: unknown[]) => void;
  reject: (error: unknown) => void;
}

export class KeptChild {
  /** How many items it has done. */
  served = 0;
  /** Nobody hears what it is given from now on. */
  hasEnded = false;
  /** When it has ended, and nothing of it is left; with what it has thrown, if that was between two chunks. */
  readonly end: Promise<void>;
  readonly #child: Child;
  readonly #outbox: Outbox;
  readonly #inbox: Inbox;
  readonly #files: number;
  #inHand: Wanted | undefined;
  #stray: { thrown: unknown } | undefined;

  constructor(child: Child, ends: Ends, first: Wanted | undefined) {
    this.#child = child;
    this.#inHand = first;
    this.#outbox = new Outbox(ends.chunks[1]);
    this.#inbox = new Inbox(ends.answers[0], (content) => this.#hear(content));
    this.#files = ends.files[0];
    this.end = this.#awaitEnd();
    this.end.catch(() => {}); // whoever awaits it hears of it
  }

  /** Forks one, which sees all memory as it is then, and begins with what `first` answers right before that. */
  static async start(
    service: Service,
    confines: Confines,
    signal: AbortSignal,
    first: () => Wanted | undefined,
  ): Promise<KeptChild> {
    const ends = new Ends();
    let inHand: Wanted | undefined;
    let message: Buffer | undefined;
    const beforehand = () => {
      inHand ??= first();
      if (inHand !== undefined) message ??= serialize(inHand.chunk);
    };
    try {
      const begin = () => void new Server(ends, service, message);
      const child = await startChild(begin, (error) => giveUp(ends, error), confines, signal, beforehand);
      return await KeptChild.#keep(child, ends, inHand);
    } catch (error) {
      ends.closeParents();
      inHand?.reject(error);
      throw error;
    } finally {
      ends.closeChilds();
    }
  }

  /** Where nobody can hear of its answers, there is none. */
  static async #keep(child: Child, ends: Ends, first: Wanted | undefined): Promise<KeptChild> {
    try {
      return new KeptChild(child, ends, first);
    } catch (error) {
      child.kill();
      await child.end;
      throw error;
    }
  }

  get isAtWork(): boolean {
    return this.#inHand !== undefined;
  }

  /** One chunk at a time. */
  do(wanted: Wanted): void {
    this.#inHand = wanted;
    try {
      this.#outbox.send(serialize(wanted.chunk));
    } catch (error) {
      this.#inHand = undefined;
      wanted.reject(error);
    }
  }

  /** What it has in hand is lost, if there is something; it leaves nothing else, since it leaves by `_exit()` at best. */
  kill(): void {
    this.#child.kill();
  }

  #hear(content: Buffer): void {
    const inHand = this.#inHand;
    this.#inHand = undefined;
    let values: unknown[];
    try {
      const what = receiveAnswer(content, this.#files);
      if ('thrown' in what) throw thrownBy(what);
      values = what.value as unknown[];
    } catch (error) {
      if (inHand === undefined) this.#stray = { thrown: error };
      else inHand.reject(error);
      return;
    }
    this.served += inHand?.chunk.count ?? 0;
    inHand?.resolve(values);
  }

  async #awaitEnd(): Promise<void> {
    try {
      const end = await this.#child.end;
      this.hasEnded = true;
      this.#inbox.drain();
      const inHand = this.#inHand;
      inHand?.reject(failureOf(end, ` while it had ${nameOf(inHand.chunk)} in hand`));
    } catch (error) {
      this.hasEnded = true;
      this.#inHand?.reject(error);
    } finally {
      this.#outbox.close();
      this.#inbox.close();
      closeSync(this.#files);
    }
    if (this.#stray !== undefined) throw this.#stray.thrown;
  }
}
