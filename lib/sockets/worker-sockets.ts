/**
 * Sockets that are each for one worker of `forkProcesses` (`bindSockets` with `perWorker`), and, in a worker, which of
 * them are its own.
 */
import { invalidValue } from '../base/arguments';
import { onePerProcess } from '../base/one-per-process';

/** What is to be known of a listening socket here. */
interface WorkerSocket {
  /** The task id of the worker that it is for; undefined: for all. */
  readonly worker: number | undefined;
  close(): void;
}

/**
 * This process's open ones. A forked child begins with a copy of each descriptor, and so with the same list; what either
 * process closes later, only it closes.
 */
const ofWorkers = onePerProcess('sockets of workers', () => new Set<WorkerSocket>());

/** null: in the parent. A child of a worker's own goes on with its parent's sockets, and so with its parent's id. */
const own = onePerProcess('own sockets', (): { worker: number | null } => ({ worker: null }));

export function noteSocket(socket: WorkerSocket): void {
  if (socket.worker !== undefined) ofWorkers.add(socket);
}

export function forgetSocket(socket: WorkerSocket): void {
  ofWorkers.delete(socket);
}

/** How many workers there must be for each socket to be served. */
export function workersNeeded(): number {
  return Math.max(-1, ...[...ofWorkers].map(({ worker = -1 }) => worker)) + 1;
}

/** For the parent, when nobody will come for what waits there: it is reset, and the kernel gives what comes to the others. */
export function closeSocketsOf(worker: number): void {
  for (const socket of [...ofWorkers]) if (socket.worker === worker) socket.close();
}

/** For the child, before it returns from `forkProcesses`: which sockets are its own. */
export function takeSocketsOf(worker: number): void {
  own.worker = worker;
}

/**
 * In a worker that has sockets of its own: those. It closes its copies of the others': left open, they would go on to
 * take connections when the parent is gone, and nobody would accept them.
 *
 * @throws TypeError `ERR_PREFORK_INVALID_ARG_VALUE`: all of them are for other workers
 */
export function ownSockets<S extends WorkerSocket>(sockets: S[]): S[] {
  const id = own.worker;
  if (id === null) return sockets;
  const mine = sockets.filter(({ worker }) => worker === undefined || worker === id);
  if (mine.length === 0 && sockets.length > 0) {
    throw invalidValue(`Expected a socket for worker ${id} but perWorker was at most ${id}`);
  }
  for (const socket of sockets) if (!mine.includes(socket)) socket.close();
  return mine;
}
