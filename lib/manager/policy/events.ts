/** What the driver tells. */
import type { WorkerExit, WorkerInfo } from '../settings';

export type ManagerSignal = 'SIGTERM' | 'SIGINT' | 'SIGQUIT' | 'SIGHUP' | 'SIGTTIN' | 'SIGTTOU' | 'SIGUSR1';

/** What a worker says of itself in the scoreboard. */
export interface Reading {
  beat: number;
  requests: number;
  privateMemory: number;
}

export type Event =
  | { type: 'start' }
  /** `worker`: as it was told of itself. `chance`: 0 to 1, for the jitter. */
  | { type: 'forked'; worker: WorkerInfo; chance: number }
  /** `killed`: somebody killed the child before it was complete. */
  | { type: 'fork failed'; id: number; reason: string; killed: boolean }
  | { type: 'ready'; pid: number }
  /** `wasTold`: the worker was finishing, because somebody had sent it a signal. */
  | { type: 'exited'; pid: number; exit: WorkerExit; wasTold: boolean }
  /** The worker has ended, so that it can be forked anew with what it lacked. */
  | { type: 'left note'; pid: number }
  | { type: 'signal'; signal: ManagerSignal }
  | { type: 'time'; readings: ReadonlyMap<number, Reading> };
