/** What the driver tells. */
import type { WorkerExit, WorkerInfo } from '../settings';
import type { Rules } from './state';

export type ManagerSignal =
  | 'SIGTERM'
  | 'SIGINT'
  | 'SIGQUIT'
  | 'SIGHUP'
  | 'SIGTTIN'
  | 'SIGTTOU'
  | 'SIGUSR1'
  | 'SIGUSR2';

/** What a worker says of itself in the scoreboard. */
export interface Reading {
  beat: number;
  requests: number;
  privateMemory: number;
}

export type Event =
  | { type: 'start' }
  /** The settings of a generation are known. */
  | { type: 'configured'; generation: number; rules: Rules }
  /** Workers can be forked of it. */
  | { type: 'loaded'; generation: number; rules: Rules }
  /** Of the process that has loaded it, or was about to, or has read its configuration. `why`: what it said of that. */
  | { type: 'template exited'; generation: number; exit: WorkerExit; why?: string }
  /** `worker`: as it was told of itself. `chance`: 0 to 1, for the jitter. */
  | { type: 'forked'; worker: WorkerInfo; chance: number }
  /** `killed`: somebody killed the child before it was complete. */
  | { type: 'fork failed'; id: number; generation: number; reason: string; killed: boolean }
  /** `lacks`: addresses, for people, where the worker that it replaces listens, and it does not yet. */
  | { type: 'ready'; pid: number; lacks: readonly string[] }
  /** `wasTold`: the worker was finishing, because somebody had sent it a signal. */
  | { type: 'exited'; pid: number; exit: WorkerExit; wasTold: boolean }
  /** In its trial, or in the attempt to take over. */
  | { type: 'successor can start' }
  | { type: 'successor cannot start'; why: string }
  /** This is the successor of the program that this process was. */
  | { type: 'taken over' }
  | { type: 'signal'; signal: ManagerSignal }
  | { type: 'time'; readings: ReadonlyMap<number, Reading> };
