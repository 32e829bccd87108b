/** What a new worker does first, before it goes on with the application. */
import { binding } from '../../base/binding';
import { setParentDeathSignal } from '../../os';
import { logReopener } from '../log-files';
import type { Place } from '../parent/supervise';
import type { Rules } from '../policy';
import { type Row, scoreboard } from '../scoreboard';
import type { Log, Settings } from '../settings';
import { applicationListensFor, noticeSelfKill } from './foreign-listeners';
import { startBeating } from './health';
import { memoryTrimmer } from './memory-trimmer';
import { dropPrivileges, type Privileges } from './privileges';
import { reportStackOnRequest } from './stack-report';
import { countTraffic, finishTraffic } from './traffic';
import { takePlace } from './worker';

/** When a worker that waits for nothing but quiet clients gives up, so that it ends by itself. */
const BEFORE_THE_KILL = 2000;

const ENDING: NodeJS.Signals[] = ['SIGTERM', 'SIGINT'];

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
  const duties = [
    inspectorKeeper(settings.inspectPort, place, log),
    logReopener(log, place),
    memoryTrimmer(),
  ];
  startBeating(row, rules, duties);
  reportStackOnRequest(place, log);
  listenForSignals(place, rules);
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
      event: 'hook_failed',
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
function listenForSignals({ row, early }: Place, rules: Rules): void {
  const stop = (signal: NodeJS.Signals) => {
    if (signal !== 'SIGINT' || !waitsForTerm()) void finish(row, rules, signal);
  };
  for (const signal of ENDING) process.prependListener(signal, stop);
  process.on('SIGHUP', () => {});
  for (const signal of early) process.kill(process.pid, signal);
  noticeSelfKill((signal) => {
    if (row.isStopping) process.off(signal, stop);
  });
}

/** An application that listens for SIGTERM only: the parent sends it one after its own SIGINT. */
function waitsForTerm(): boolean {
  return !applicationListensFor('SIGINT') && applicationListensFor('SIGTERM');
}

/**
 * An application that listens for the signal itself has ends of its own to tie up, and ends when it has; if it does not
 * the parent's patience is the limit. Any other ends when its last connection is closed.
 */
async function finish(row: Row, { gracefulTimeout }: Rules, signal: NodeJS.Signals): Promise<void> {
  if (row.isStopping) return;
  row.markStopping();
  binding.supervise_ring();
  const isAlone = !applicationListensFor(signal);
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
        event: 'inspector_failed',
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
