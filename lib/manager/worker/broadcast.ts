/** Messages to all workers of a service, past the manager. */
import { deserialize, serialize } from 'node:v8';
import { outOfRange, string } from '../../base/arguments';
import { onePerProcess } from '../../base/one-per-process';
import { nextTick } from '../../base/timers';
import { registerAtFork } from '../../fork/at-fork';
import { onRing, ring, rowsWithBells } from '../bells';
import { LONGEST_RECORD, RingReader, RingWriter } from '../rings';
import { linesWithBells, type Row } from '../scoreboard';
import { ownRow } from './worker';

/** Of this worker, as long as it is one. */
class Post {
  readonly #row: Row;
  readonly #reader: RingReader;
  readonly #writer: RingWriter;
  /** Others have been told in this tick; more has been sent since. */
  #hasRung = false;
  #isMore = false;

  constructor(row: Row) {
    this.#row = row;
    // Who has a bell has it before it writes.
    this.#reader = new RingReader(row, linesWithBells());
    this.#writer = new RingWriter(row);
    onRing(row, () => this.look());
  }

  /** At once: the process may end in this tick. */
  send(record: Uint8Array): void {
    this.#writer.write(record);
    if (this.#hasRung) {
      this.#isMore = true;
      return;
    }
    this.#hasRung = true;
    this.#ringOthers();
    nextTick(() => {
      this.#hasRung = false;
      if (this.#isMore) this.#ringOthers();
      this.#isMore = false;
    });
  }

  look(): void {
    for (const { records, lost } of this.#reader.read(linesWithBells())) {
      if (lost > 0) for (const channel of allChannels()) channel.dispatchEvent(new LostEvent(lost));
      for (const record of records) deliver(record);
    }
  }

  #ringOthers(): void {
    for (const row of rowsWithBells()) if (row.index !== this.#row.index) ring(row);
  }
}

/** Copied by a fork: a worker has the channels that its template has made. */
const state = onePerProcess('broadcast', () => ({
  channels: new Map<string, Set<WorkersChannel>>(),
  post: undefined as Post | undefined,
}));

/** For a worker, if its application has made a channel. What was sent before is not for it. */
export function beginReceiving(row: Row): void {
  if (state.channels.size === 0 || state.post !== undefined) return;
  state.post = new Post(row);
  registerAtFork({
    afterInChild: () => {
      state.post = undefined;
    },
  });
}

function allChannels(): WorkersChannel[] {
  return [...state.channels.values()].flatMap((channels) => [...channels]);
}

// --- A record: the length of the name, the name, the message ---

const NAME_LENGTH_BYTES = 2;
const LONGEST_NAME = 256;

function recordOf(name: string, message: unknown): Buffer {
  const own = Buffer.from(name);
  const length = Buffer.alloc(NAME_LENGTH_BYTES);
  length.writeUInt16LE(own.length);
  return Buffer.concat([length, own, serialize(message)]);
}

/** A record that is none is for nobody. */
function deliver(record: Uint8Array, except?: WorkersChannel): void {
  const bytes = Buffer.from(record.buffer, record.byteOffset, record.byteLength);
  if (bytes.length < NAME_LENGTH_BYTES) return;
  const begin = NAME_LENGTH_BYTES + bytes.readUInt16LE(0);
  const channels = state.channels.get(bytes.toString('utf8', NAME_LENGTH_BYTES, begin));
  for (const channel of [...(channels ?? [])]) {
    if (channel !== except) channel.dispatchEvent(eventOf(bytes.subarray(begin)));
  }
}

function eventOf(message: Buffer): Event {
  try {
    return new MessageEvent('message', { data: deserialize(message) });
  } catch {
    return new MessageEvent('messageerror');
  }
}

/** Messages from one worker were written over before this one has read them. */
export class LostEvent extends Event {
  /** How many, of this and of other names. */
  readonly count: number;

  /** @internal */
  constructor(count: number) {
    super('lost');
    this.count = count;
  }
}

/** What `broadcast()` makes: a BroadcastChannel over all workers of a service. */
export class WorkersChannel extends EventTarget {
  /** As it was given. */
  readonly name: string;
  /** Called with each message, which is in `data`. */
  onmessage: ((event: MessageEvent) => void) | null = null;
  /** Called for each message that cannot be read here. */
  onmessageerror: ((event: MessageEvent) => void) | null = null;
  /** Called when messages were lost, with how many. */
  onlost: ((event: LostEvent) => void) | null = null;
  #isClosed = false;

  /** @internal */
  constructor(name: string) {
    super();
    this.name = name;
    this.addEventListener('message', (event) => this.onmessage?.(event as MessageEvent));
    this.addEventListener('messageerror', (event) => this.onmessageerror?.(event as MessageEvent));
    this.addEventListener('lost', (event) => this.onlost?.(event as LostEvent));
    const channels = state.channels.get(name) ?? new Set();
    state.channels.set(name, channels.add(this));
  }

  /**
   * Sends a copy of `message`, as by `v8.serialize()`, to all other channels of this name, in this process and in all other workers. It
   * returns when the copy is where they read it; nobody is waited for.
   *
   * @throws Error: it cannot be copied; DOMException `InvalidStateError`: the channel was closed
   * @throws RangeError `ERR_PREFORK_OUT_OF_RANGE`: it takes more than a megabyte; SystemError `ENOMEM`
   */
  postMessage(message: unknown): void {
    if (this.#isClosed) throw new DOMException('The channel is closed', 'InvalidStateError');
    const record = recordOf(this.name, message);
    if (record.length > LONGEST_RECORD)
      throw outOfRange(`Expected a message of at most ${LONGEST_RECORD} bytes but received ${record.length}`);
    state.post?.send(record);
    nextTick(() => deliver(record, this));
  }

  /** From now on nothing comes any more, and nothing can be sent. */
  close(): void {
    this.#isClosed = true;
    const channels = state.channels.get(this.name);
    channels?.delete(this);
    if (channels?.size === 0) state.channels.delete(this.name);
  }
}

/**
 * A channel between all workers of the service, as `BroadcastChannel` is one between the threads of a process: what is posted in one of
 * them comes as an event `message` to each other channel of that name, in workers of the old and of the new version while a reload
 * goes on, too. Messages of one worker come in the order in which they were posted. The manager has no part in it.
 *
 * Nobody waits for a receiver. One that has not turned its event loop while another worker has posted 4 MB loses them: it gets an event
 * `lost` with their `count`. What it cannot read (a class that V8 does not know) comes as `messageerror`. What was posted before a worker
 * began is not for it, and nothing is kept for later.
 *
 * Call it where the application loads, or in a worker. In a template, in a child that a worker forks, and where no manager runs, it reaches
 * this process alone. A channel keeps no process alive.
 *
 * @param name says which channels belong together, at most 256 bytes
 * @throws TypeError `ERR_PREFORK_INVALID_ARG_TYPE`; RangeError `ERR_PREFORK_OUT_OF_RANGE`: the name is too long
 */
export function broadcast(name: string): WorkersChannel {
  if (Buffer.byteLength(string('name', name)) > LONGEST_NAME)
    throw outOfRange(
      `Expected a name of at most ${LONGEST_NAME} bytes but received ${name.length} characters`,
    );
  const channel = new WorkersChannel(name);
  const row = ownRow();
  if (row !== undefined) beginReceiving(row);
  return channel;
}
