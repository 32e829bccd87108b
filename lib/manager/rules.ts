/** The settings that the policy decides by. */
import { integer } from '../base/arguments';
import { preforkError } from '../base/errors';
import { MIN_HANG_TIMEOUT, type Rules } from './policy';
import { MAX_WORKERS } from './scoreboard';
import type { PlainSettings } from './settings';
import { autoWorkers } from './system/auto-workers';

/** @throws RangeError `ERR_PREFORK_OUT_OF_RANGE` */
export function rulesOf(settings: PlainSettings): Rules {
  const { workers, hangTimeout, inspectPort, rehearse } = settings;
  if (hangTimeout !== 0 && hangTimeout < MIN_HANG_TIMEOUT) {
    throw preforkError(
      'ERR_PREFORK_OUT_OF_RANGE',
      `Expected 0 or at least ${MIN_HANG_TIMEOUT} ms for hangTimeout but received ${hangTimeout} ms`,
      { Base: RangeError },
    );
  }
  return {
    gracefulTimeout: settings.gracefulTimeout,
    bootTimeout: settings.bootTimeout,
    restart: settings.restart,
    maxRequests: settings.maxRequests,
    maxRequestsJitter: settings.maxRequestsJitter,
    maxMemory: settings.maxMemory,
    balanced: settings.balanced || settings.sticky !== null,
    rehearses: rehearse.length > 0,
    workers: workers === 'auto' ? autoWorkers() : integer('workers', workers, 1, MAX_WORKERS),
    // A worker at a breakpoint is not hung.
    hangTimeout: inspectPort === null ? hangTimeout : 0,
  };
}

/** Whether the application is loaded once for all workers: a template that does not is made one of them. */
export function isPreloaded({ preload }: Pick<PlainSettings, 'preload'>, couldNotBeShared: boolean): boolean {
  return preload === 'yes' || (preload === 'auto' && !couldNotBeShared);
}
