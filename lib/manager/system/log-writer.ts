/**
 * Writes lines of the log to standard error. A process that starts or serves waits for the reader. The manager never does: it
 * keeps what it cannot write, up to a bound; beyond that it counts the lines that are lost, and reports them later.
 */
import { binding } from '../../base/binding';
import { writeToStderr } from '../../base/blocking-write';
import { isForLater } from './later';

const STDERR = 2;
/** Bytes: as much as a pipe of Linux holds (pipe(7)). */
const ROOM = 64 * 1024;
/** Milliseconds between two attempts while the reader is behind. */
const RETRY_AFTER = 250;
/** Milliseconds that an ending manager gives a reader for its last lines. */
const LAST_CHANCE = 1000;

/** What a manager has not got rid of. */
export interface Unwritten {
  /** Lines, or the rest of one, in base 64. */
  text: string;
  /** Lines for which there was no room. */
  lost: number;
}

const NOTHING: Unwritten = { text: '', lost: 0 };

/** Makes the line that says how many were lost. */
type TellLost = (count: number) => string;

/**
 * Of this process, if it is a manager. A child has a copy, with the lines that were under way: it does not own them, and
 * leaves them to the manager.
 */
let outbox: Outbox | undefined;

class Outbox {
  readonly owner = binding.process_getpid();
  #pending = Buffer.alloc(0);
  #lost = 0;
  #tellLost: TellLost = () => '';

  constructor({ text, lost }: Unwritten) {
    this.#pending = Buffer.from(text, 'base64');
    this.#lost = lost;
  }

  get unwritten(): Unwritten {
    return { text: this.#pending.toString('base64'), lost: this.#lost };
  }

  get isEmpty(): boolean {
    return this.#pending.length === 0 && this.#lost === 0;
  }

  add(line: string, tellLost: TellLost): void {
    const bytes = Buffer.from(line);
    this.#tellLost = tellLost;
    this.flush();
    if (this.#lost > 0 || this.#pending.length + bytes.length > ROOM) this.#lost += 1;
    else this.#pending = Buffer.concat([this.#pending, bytes]);
    this.flush();
  }

  flush(): void {
    this.#write();
    if (this.#pending.length > 0 || this.#lost === 0) return;
    this.#pending = Buffer.from(this.#tellLost(this.#lost));
    this.#lost = 0;
    this.#write();
  }

  #write(): void {
    while (this.#pending.length > 0) {
      const written = binding.output_write_now(STDERR, this.#pending);
      if (isForLater(written)) return;
      // Its reader has gone for good, or the disk is full: as with any log, nobody is left to be told.
      if (written <= 0) this.#pending = Buffer.alloc(0);
      else this.#pending = this.#pending.subarray(written);
    }
  }
}

function ownOutbox(): Outbox | undefined {
  return outbox?.owner === binding.process_getpid() ? outbox : undefined;
}

/** @param tellLost makes the line that says how many were lost */
export function writeLogLine(line: string, tellLost: TellLost): void {
  const own = ownOutbox();
  if (own === undefined) writeToStderr(line);
  else own.add(line, tellLost);
}

/**
 * From now on this process, and no child of it, never waits for the reader of its log.
 *
 * @param unwritten what is still to be written first
 */
export function neverWaitForLogReader(unwritten = NOTHING): void {
  outbox = new Outbox(unwritten);
}

/** For another program in this process, which goes on with it. */
export function unwrittenLog(): Unwritten {
  return ownOutbox()?.unwritten ?? NOTHING;
}

/** Writes what is left, without waiting. Returns the milliseconds until the next attempt; null: nothing is left. */
export function flushLog(): number | null {
  const own = ownOutbox();
  own?.flush();
  return own === undefined || own.isEmpty ? null : RETRY_AFTER;
}

/** The same, before this process ends: waits for a moment. */
export function finishLog(): void {
  const end = performance.now() + LAST_CHANCE;
  while (flushLog() !== null && performance.now() < end) {
    binding.output_await_room(STDERR, Math.ceil(end - performance.now()));
  }
}
