/** What the driver is told to do. */
import type { LogEntry } from '../log-events';
import type { WorkerExit, WorkerInfo } from '../settings';

/** Why a worker has ended that was not told to. `killed`: from outside. */
export type Loss = 'crash' | 'hang' | 'boot timeout' | 'out of memory' | 'killed';

export type Action =
  /** Find out its settings, in a process that reads the configuration as it is now. */
  | { type: 'configure'; generation: number }
  /** Make a process that loads the application as it is now. */
  | { type: 'load'; generation: number }
  /** End that process; gently: have it tie up its ends first. */
  | { type: 'unload'; generation: number; gently: boolean }
  /** No worker of it will be forked any more. */
  | { type: 'retire'; generation: number }
  | { type: 'fork'; id: number; generation: number; restarts: number }
  | { type: 'kill'; pid: number; signal: 'SIGTERM' | 'SIGKILL' }
  | { type: 'report stack'; pid: number }
  | { type: 'worker ready'; worker: WorkerInfo }
  | { type: 'worker exit'; worker: WorkerInfo; exit: WorkerExit }
  /** Somebody else has to take the place of this worker. */
  | { type: 'lost'; id: number; why: Loss }
  | { type: 'reloaded'; generation: number }
  /** No connection is to be accepted any more. */
  | { type: 'stop listening' }
  /** The same for the queue of one worker, if it has one of its own. */
  | { type: 'close queue'; id: number }
  | { type: 'try successor' }
  | { type: 'give up successor' }
  /** Let it take this process over. */
  | { type: 'hand over' }
  | { type: 'reopen logs' }
  | { type: 'log'; entry: LogEntry }
  | { type: 'end'; status: number };
