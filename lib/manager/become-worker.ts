/** What a new worker does first, before it goes on with the application. */
import { binding } from '../binding';
import { setParentDeathSignal } from '../os';
import { startBeating } from './health';
import { logReopener } from './log-files';
import type { Rules } from './policy';
import { dropPrivileges, type Privileges } from './privileges';
import { type Row, scoreboard } from './scoreboard';
import type { Log, Settings } from './settings';
import { reportStackOnRequest } from './stack-report';
import type { Place } from './supervise';
import { countTraffic, finishTraffic } from './traffic';
import { takePlace } from './worker';

/** When a worker that waits for nothing but quiet clients gives up, so that it ends by itself. */
const BEFORE_THE_KILL = 2000;

interface WorkerOptions {
  settings: Settings;
  rules: Rules;
  privileges: Privileges;
  log: Log;
}

export function becomeWorker(place: Place, { settings, rules, privileges, log }: WorkerOptions): void {
  const { worker, row } = place;
  takePlace(place);
  dropPrivileges(privileges);
  dieWithParent(place.parent);
  if (settings.title !== null) process.title = `${settings.title}: worker ${worker.id}`;
  countTraffic(row);
  startBeating(row, rules, [inspectorKeeper(settings.inspectPort, place, log), logReopener(log, place)]);
  reportStackOnRequest(place, log);
  listenForSignals(row, rules);
  for (const signal of place.early) process.kill(process.pid, signal);
  callHook(settings, place, log);
}

/** After the user has been changed, which would take the wish back (prctl(2)). The parent may be dead by then. */
function dieWithParent(parent: number): void {
  setParentDeathSignal('SIGKILL');
  if (binding.process_getppid() !== parent) process.kill(process.pid, 'SIGKILL');
}

function callHook({ hooks }: Settings, { worker }: Place, log: Log): void {
  try {
    hooks.afterFork?.({ ...worker });
  } catch (error) {
    log({
      level: 'error',
      event: 'hook failed',
      message: `The hook afterFork threw: ${error instanceof Error ? error.stack : error}`,
      worker: worker.id,
      pid: worker.pid,
    });
    binding.process_exit(1);
  }
}

/**
 * SIGINT and SIGHUP reach a whole terminal: what comes of them is for the parent to say. Before all other listeners, to
 * find those that are called once while they are still there.
 */
function listenForSignals(row: Row, rules: Rules): void {
  const stop = (signal: NodeJS.Signals) => void finish(row, rules, signal);
  process.prependListener('SIGTERM', stop);
  process.prependListener('SIGINT', (signal) => {
    if (!waitsForTerm()) stop(signal);
  });
  process.on('SIGHUP', () => {});
}

/** An application that listens for SIGTERM only: the parent sends it one after its own SIGINT. */
function waitsForTerm(): boolean {
  return process.listenerCount('SIGINT') === 1 && process.listenerCount('SIGTERM') > 1;
}

/**
 * An application that listens for the signal itself has ends of its own to tie up, and ends when it has; if it does not
 * the parent's patience is the limit. Any other ends when its last connection is closed.
 */
async function finish(row: Row, { gracefulTimeout }: Rules, signal: NodeJS.Signals): Promise<void> {
  if (row.isStopping) return;
  row.markStopping();
  binding.supervise_ring();
  const isAlone = process.listenerCount(signal) === 1;
  closeInspector();
  await finishTraffic({
    isLast: () => row.get('draining') === 1,
    isUrgent: () => row.get('ending') === 1,
    patience: gracefulTimeout - BEFORE_THE_KILL,
  });
  if (isAlone) process.exit(0);
}

/** Opens the inspector as soon as the port is free: the worker that this one replaces may still have it. */
function inspectorKeeper(base: number | null, { worker }: Place, log: Log): () => void {
  if (base === null || !process.features.inspector) return () => {};
  const inspector = require('node:inspector') as typeof import('node:inspector');
  const port = base + worker.id;
  let open = false;
  const openWhenFree = () => {
    if (open || scoreboard().some(({ id, pid }) => id === worker.id && pid !== worker.pid)) return;
    open = true;
    try {
      inspector.open(port);
    } catch (error) {
      // Above the last port, or opened by the application: no reason not to serve.
      const message = `has no inspector on port ${port}: ${String(error)}`;
      log({
        level: 'warning',
        event: 'no inspector',
        message: `Worker ${worker.id} ${message}`,
        worker: worker.id,
      });
    }
  };
  openWhenFree();
  return openWhenFree;
}

function closeInspector(): void {
  if (!process.features.inspector) return;
  const inspector = require('node:inspector') as typeof import('node:inspector');
  if (inspector.url() !== undefined) inspector.close();
}
