/** What a worker knows of itself, and what it tells the manager. */
import { type EventEmitter, errorMonitor } from 'node:events';
import type { Server } from 'node:net';
import { invalidType } from '../../base/errors';
import { onePerProcess } from '../../base/one-per-process';
import { nextTick, queueMicrotask, setImmediate } from '../../base/timers';
import { registerAtFork } from '../../fork/at-fork';
import type { Place } from '../place';
import type { Row } from '../scoreboard';
import type { WorkerInfo } from '../settings';

/** All of it is copied by each fork, and wanted there. */
interface OwnLife {
  /** Undefined in the template, and in the children of a worker. */
  place: Place | undefined;
  /** Promises that were given to `ready` and have not settled. */
  awaited: number;
  isDestined: boolean;
  /** Called once this process is a worker. */
  awaiting: (() => void)[];
  /** Servers that have been told to listen and do not yet. */
  awaitedServers: number;
  listens: boolean;
  isManaged: boolean;
  /** Whether nothing is under way that may yet have it listen. */
  isSettled: () => boolean;
  /** The manager knows that this worker is ready, and that it is settled. */
  isTold: boolean;
  isToldSettled: boolean;
}

/** The command is often another copy of the package than the one that the application asks. */
const own = onePerProcess(
  'worker',
  (): OwnLife => ({
    place: undefined,
    awaited: 0,
    isDestined: false,
    awaiting: [],
    awaitedServers: 0,
    listens: false,
    isManaged: false,
    isSettled: () => false,
    isTold: false,
    isToldSettled: false,
  }),
);

/** This process, or one forked from it, will be a worker. What tells whether it is settled is no part of `ready`, and handed in. */
export function beginManaging(isSettled: () => boolean): void {
  own.isManaged = true;
  own.isSettled = isSettled;
  registerAtFork({ afterInChild: leavePlace });
}

/** Before anything of the user's is loaded into this process, which will be a worker, or have them forked from it. */
export function destineForWork(): void {
  own.isDestined = true;
}

/** This process is a worker, or will be one, or those are forked from it. */
export function isDestined(): boolean {
  return own.isDestined;
}

/** Calls it when this process is a worker: in each that is forked from this one. At once if it is one, or will never be. */
export function onceWorking(call: () => void): void {
  if (own.isDestined && own.place === undefined) own.awaiting.push(call);
  else call();
}

/** It is one from now on, and no rehearsal. */
export function beginWorking(): void {
  for (const call of own.awaiting.splice(0)) call();
}

/** A child that the worker forks by itself is no worker: nobody looks after it. In a worker itself it has none yet. */
function leavePlace(): void {
  own.place?.row.leave();
  own.place = undefined;
}

export function isManaged(): boolean {
  return own.isManaged;
}

export function takePlace(taken: Place): void {
  own.place = taken;
  // The manager enters it too, but may learn of this process after the application has looked. If somebody stands there already,
  // the template was killed before it could tell of this process, and the line is another one's (endIfForgotten).
  if (taken.row.get('pid') === 0) taken.row.set('pid', taken.worker.pid);
}

/** For a rehearsal: what this process knows of itself is afterwards as it was before. */
export function keepingLife(work: () => void): void {
  const before = { ...own };
  try {
    work();
  } finally {
    Object.assign(own, before);
  }
}

export function ownRow(): Row | undefined {
  return own.place?.row;
}

/**
 * Which worker this process is; null in the template, and where no manager runs.
 *
 * `restarts` says how often this id was started again because its process had ended by itself, `generation` how many
 * rolling replacements (SIGHUP) came before it.
 */
export function worker(): WorkerInfo | null {
  return own.place === undefined ? null : { ...own.place.worker };
}

function becomeReady(): void {
  const { place } = own;
  if (place === undefined || place.row.isReady) return;
  place.row.markReady();
  // What the application does next in this turn may have it listen elsewhere.
  if (place.isReplacing) setImmediate(sayHowReady);
  else stayReady();
}

function sayHowReady(): void {
  staySettled();
  stayReady();
}

/** Tells the manager, once, that this worker will listen nowhere else, so that it need not be waited for. */
export function staySettled(): void {
  const { place, isToldSettled } = own;
  if (place === undefined || isToldSettled || !place.row.isReady || !place.isReplacing) return;
  if (own.isSettled()) own.isToldSettled = place.channel.trySend({ type: 'settled' });
}

/** Tells the manager, once: at each beat, until it has room for the message. */
export function stayReady(): void {
  const { place, isTold } = own;
  if (place === undefined || isTold || !place.row.isReady) return;
  own.isTold = place.channel.trySend({ type: 'ready' });
}

/**
 * Says when this worker is ready to serve. Without it a worker is ready as soon as all its servers listen.
 *
 * With a promise the worker is ready only when that has been fulfilled, and its servers listen; if it is rejected, the
 * worker ends with status 1. The worker waits for all promises that it is given. Call it right after `listen()`, or before:
 * each worker inherits the promise from the template. Without a promise the worker is ready at once; in the template that
 * does nothing. Where no manager runs, it does nothing at all.
 *
 * @throws TypeError `ERR_PREFORK_INVALID_ARG_TYPE`: `after` is no promise
 */
export function ready(after?: PromiseLike<unknown>): void {
  if (after === undefined) {
    becomeReady();
    return;
  }
  if (typeof (after as Partial<PromiseLike<unknown>> | null)?.then !== 'function') {
    throw invalidType('after', 'a promise', after);
  }
  if (!own.isManaged) return;
  own.awaited += 1;
  after.then(
    () => {
      own.awaited -= 1;
      becomeReadyIfNothingIsAwaited();
    },
    (error: unknown) => {
      nextTick(() => {
        throw error;
      });
    },
  );
}

/** A server that is about to listen; it may also fail to, or be closed first. `isTold`: it has heard already that it does. */
export function beginsToListen(server: Server, isTold = false): void {
  let decided = false;
  const decide = (hasBegun: boolean) => {
    if (decided) return;
    decided = true;
    own.awaitedServers -= 1;
    own.listens ||= hasBegun;
    becomeReadyIfNothingIsAwaited();
  };
  // After the application's own listeners, and all that awaits them: it may yet fail, or have another server listen.
  const decideLast = () => nextTick(() => queueMicrotask(() => nextTick(decide, true)));
  own.awaitedServers += 1;
  if (isTold) decideLast();
  else server.once('listening', decideLast);
  (server as EventEmitter).once(errorMonitor, () => nextTick(decide, false));
  server.once('close', () => nextTick(decide, false));
}

function becomeReadyIfNothingIsAwaited(): void {
  if (own.listens && own.awaited === 0 && own.awaitedServers === 0) becomeReady();
}
