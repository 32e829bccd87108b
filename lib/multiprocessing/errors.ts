/** Python's exceptions, each of a class of its own, with a permanent code. */
import { preforkError } from '../base/errors';

/** A queue had nothing, or had nothing in time: Python's `queue.Empty`. */
export class Empty extends Error {
  /** Its class. */
  override readonly name = 'Empty';
  /** Permanent. */
  readonly code = 'ERR_PREFORK_EMPTY';
  constructor() {
    super('The queue is empty');
  }
}

/** A queue had no room, or had none in time: Python's `queue.Full`. */
export class Full extends Error {
  /** Its class. */
  override readonly name = 'Full';
  /** Permanent. */
  readonly code = 'ERR_PREFORK_FULL';
  constructor() {
    super('The queue is full');
  }
}

/** Nobody has the other end any more, and all that was sent has been received: Python's `EOFError`. */
export class EOFError extends Error {
  /** Its class. */
  override readonly name = 'EOFError';
  /** Permanent. */
  readonly code = 'ERR_PREFORK_EOF';
  constructor() {
    super('The other end is closed');
  }
}

/** The barrier was reset or broken while this waited, or before: Python's `threading.BrokenBarrierError`. */
export class BrokenBarrierError extends Error {
  /** Its class. */
  override readonly name = 'BrokenBarrierError';
  /** Permanent. */
  readonly code = 'ERR_PREFORK_BROKEN_BARRIER';
  constructor() {
    super('The barrier is broken');
  }
}

/** For a call that is not allowed as things are: where Python has an AssertionError or a ValueError. */
export function invalidState(message: string): Error & { code: string } {
  return preforkError('ERR_PREFORK_INVALID_STATE', message);
}
