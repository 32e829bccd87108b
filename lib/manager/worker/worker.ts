/** What a worker knows of itself, and what it tells the manager. */
import { type EventEmitter, errorMonitor } from 'node:events';
import type { Server } from 'node:net';
import { invalidType } from '../../base/errors';
import { registerAtFork } from '../../fork/at-fork';
import type { Place } from '../place';
import type { Row } from '../scoreboard';
import type { WorkerInfo } from '../settings';

/** Undefined in the template, and in the children of a worker. What follows is copied by each fork, and wanted there. */
let place: Place | undefined;
/** Promises that were given to `ready` and have not settled. */
let awaited = 0;
/** Servers that have been told to listen and do not yet. */
let awaitedServers = 0;
let listens = false;
let isManaged = false;
/** The manager knows that this worker is ready. */
let isTold = false;

/** This process, or one forked from it, will be a worker. */
export function beginManaging(): void {
  isManaged = true;
}

/** A child that the worker forks by itself is no worker: nobody looks after it. */
export function takePlace(taken: Place): void {
  place = taken;
  registerAtFork({
    afterInChild: () => {
      place = undefined;
      taken.row.leave();
    },
  });
}

export function ownRow(): Row | undefined {
  return place?.row;
}

/**
 * Which worker this process is; null in the template, and where no manager runs.
 *
 * `restarts` says how often this id was started again because its process had ended by itself, `generation` how many
 * rolling replacements (SIGHUP) came before it.
 */
export function worker(): WorkerInfo | null {
  return place === undefined ? null : { ...place.worker };
}

function becomeReady(): void {
  if (place === undefined || place.row.isReady) return;
  place.row.markReady();
  stayReady();
}

/** Tells the manager, once: at each beat, until it has room for the message. */
export function stayReady(): void {
  if (place === undefined || isTold || !place.row.isReady) return;
  isTold = place.channel.send({ type: 'ready' });
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
  if (!isManaged) return;
  awaited += 1;
  after.then(
    () => {
      awaited -= 1;
      becomeReadyIfNothingIsAwaited();
    },
    (error: unknown) => {
      process.nextTick(() => {
        throw error;
      });
    },
  );
}

/** A server that is about to listen; it may also fail to, or be closed first. */
export function beginsToListen(server: Server): void {
  let decided = false;
  const decide = (hasBegun: boolean) => {
    if (decided) return;
    decided = true;
    awaitedServers -= 1;
    listens ||= hasBegun;
    becomeReadyIfNothingIsAwaited();
  };
  awaitedServers += 1;
  // After the application's own listeners: it may yet fail in them, or have another server listen.
  server.once('listening', () => process.nextTick(decide, true));
  (server as EventEmitter).once(errorMonitor, () => process.nextTick(decide, false));
  server.once('close', () => process.nextTick(decide, false));
}

function becomeReadyIfNothingIsAwaited(): void {
  if (listens && awaited === 0 && awaitedServers === 0) becomeReady();
}
