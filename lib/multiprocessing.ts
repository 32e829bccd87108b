/**
 * Python's `multiprocessing`, with the fork context, under Python's names: processes, and what they share.
 * @module
 */

export { Barrier } from './multiprocessing/barrier';
export { Condition } from './multiprocessing/condition';
export { Connection, Pipe } from './multiprocessing/connection';
export { BrokenBarrierError, Empty, EOFError, Full } from './multiprocessing/errors';
export { Event } from './multiprocessing/event';
export { Lock, RLock } from './multiprocessing/lock';
export {
  activeChildren,
  currentProcess,
  type KnownProcess,
  Process,
  type ProcessOptions,
  parentProcess,
} from './multiprocessing/process';
export { JoinableQueue, Queue, SimpleQueue } from './multiprocessing/queue';
export { BoundedSemaphore, Semaphore } from './multiprocessing/semaphore';
export {
  type ElementOf,
  SharedArray,
  type SharedOptions,
  type Typecode,
  Value,
  type ViewOf,
  type Views,
} from './multiprocessing/value';
export { type Waitable, wait } from './multiprocessing/wait';
