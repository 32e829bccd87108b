/** The process manager, as the command line and `prefork/auto` call it. */
import { Manager } from './manager';
import type { Log, Settings } from './settings';

export { autoWorkers } from './parent/auto-workers';
export type { Log, LogEntry, Settings, WorkerExit, WorkerInfo } from './settings';
export { findPrivileges } from './worker/privileges';

/**
 * Runs `load`, which loads the application, and manages workers from its first `listen` on. In each worker `load` goes
 * on and the promise resolves. In the parent it never does: the process ends, with status 0 when it was told to, with
 * status 1 and a reason in the log if `load` throws, if nothing ever listens, or if no worker becomes ready.
 *
 * @throws Error `ERR_PREFORK_INVALID_ARG_VALUE`: no such user or group, or only root may change to them
 */
export async function run(settings: Settings, load: () => unknown, log: Log): Promise<void> {
  const manager = new Manager(settings, log, () => {});
  try {
    await load();
  } catch (error) {
    manager.failedToLoad(error);
  }
}

/**
 * The same for an application that somebody else is about to load (`node --import`). Call it once.
 *
 * @param onListen called in the parent when the application begins to listen, which may be long before it is forked
 */
export function intercept(settings: Settings, log: Log, onListen: () => void): void {
  new Manager(settings, log, onListen);
}
