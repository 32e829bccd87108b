/** What a worker knows of itself, and what it tells its parent. */
import { binding } from '../binding';
import type { Row } from './scoreboard';
import type { WorkerInfo } from './settings';
import type { Place } from './supervise';

let place: Place | undefined;
/** Promises that were given to `ready` and have not settled. */
let awaited = 0;
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
      if (listens && awaited === 0) becomeReady();
    },
    (error: unknown) => {
      process.nextTick(() => {
        throw error;
      });
    },
  );
}

/** The server listens, and its own listeners have heard of it. */
export function hasBegunToListen(): void {
  listens = true;
  if (awaited === 0) becomeReady();
}
