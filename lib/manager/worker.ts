/** What a worker knows of itself, and what it tells its parent. */
import { type EventEmitter, errorMonitor } from 'node:events';
import type { Server } from 'node:net';
import { binding } from '../binding';
import type { Row } from './scoreboard';
import type { WorkerInfo } from './settings';
import type { Place } from './supervise';

let place: Place | undefined;
/** Promises that were given to `ready` and have not settled. */
let awaited = 0;
/** Servers that have been told to listen and do not yet. */
let awaitedServers = 0;
let listens = false;

export function takePlace(taken: Place): void {
  place = taken;
}

export function ownRow(): Row | undefined {
  return place?.row;
}

/**
 * Which worker this process is; null in the parent, and where no manager runs.
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
  binding.supervise_ring();
}

/**
 * Says that this worker is ready to serve. Without it a worker is ready as soon as its server listens.
 *
 * With a promise, given before the server listens or right after `listen()`, the worker is ready only when it has been
 * fulfilled, and also listens; if it is rejected, the worker ends with status 1. In the parent, and where no manager
 * runs, it does nothing.
 */
export function ready(after?: PromiseLike<unknown>): void {
  if (place === undefined) return;
  if (after === undefined) {
    becomeReady();
    return;
  }
  awaited += 1;
  after.then(
    () => {
      awaited -= 1;
      if (listens) becomeReadyIfNothingIsAwaited();
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
    if (listens) becomeReadyIfNothingIsAwaited();
  };
  awaitedServers += 1;
  // After the application's own listeners: it may yet fail in them, or have another server listen.
  server.once('listening', () => process.nextTick(decide, true));
  (server as EventEmitter).once(errorMonitor, () => process.nextTick(decide, false));
  server.once('close', () => process.nextTick(decide, false));
}

function becomeReadyIfNothingIsAwaited(): void {
  if (awaited === 0 && awaitedServers === 0) becomeReady();
}
