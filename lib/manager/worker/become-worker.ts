/** What a new worker does first, before it goes on with the application. */
import type { EventEmitter } from 'node:events';
import { constants } from 'node:os';
import { binding } from '../../base/binding';
import { clearTimeout, monotonic, nextTick, setImmediate, setTimeout } from '../../base/timers';
import { lookWithoutRing } from '../bells';
import type { LogEntry } from '../log-events';
import { logReopener } from '../log-files';
import type { Place } from '../place';
import type { Rules } from '../policy';
import { scoreboard } from '../scoreboard';
import type { Hooks, Log, Settings, WorkerInfo } from '../settings';
import { memoryTrimmer } from '../system/memory-trimmer';
import { dropPrivileges, type Privileges } from '../system/privileges';
import { countAnswers } from './answer-times';
import { beginReceiving } from './broadcast';
import { dieWithManager } from './die-with-manager';
import { applicationListensFor } from './foreign-listeners';
import { startBeating } from './health';
import { holdSignals, releaseSignals } from './held-signals';
import { labelLines } from './line-labels';
import { giveUpOnce, takeOver } from './once';
import { beginPublishing, publishLast } from './publisher';
import { giveUpRecordings, recorder } from './recordings';
import { reportStackOnRequest } from './stack-report';
import { answerRequests, closeServers, countTraffic, endLasting, stopAccepting } from './traffic';
import { beginWorking, stayReady, staySettled, takePlace } from './worker';

/** When a worker closes what is still open, so that it ends by itself. */
const BEFORE_THE_KILL = 2000;
/** Milliseconds for the application's metrics: a function that collects them may wait for others. */
const LAST_METRICS = 5000;

const ENDING: NodeJS.Signals[] = ['SIGTERM', 'SIGINT'];

interface WorkerOptions {
  settings: Settings;
  rules: Rules;
  privileges: Privileges;
  log: Log;
}

export function becomeWorker(place: Place, options: WorkerOptions): void {
  const { settings, rules, privileges, log } = options;
  const { worker, row } = place;
  takePlace(place);
  nameInEnvironment(worker);
  dropPrivileges(privileges);
  dieWithManager(place.manager);
  labelLines(settings.logWorker, worker, log);
  if (settings.title !== null) process.title = `${settings.title}: worker ${worker.id}`;
  countTraffic(row);
  countAnswers(row);
  beginPublishing(row);
  beginReceiving(row);
  startBeating(row, rules, dutiesOf(place, settings, log));
  reportStackOnRequest(place, log);
  listenForSignals(place, options);
  beginWorking();
  callHook(settings, place, log);
}

/** What it does at each beat. */
export function dutiesOf(place: Place, { inspectPort }: Settings, log: Log): (() => void)[] {
  return [
    inspectorKeeper(inspectPort, place, log),
    logReopener(log, place),
    memoryTrimmer(),
    staySettled,
    stayReady,
    takeOver,
    recorder(place),
    lookWithoutRing,
    () => endIfForgotten(place),
    // Once more each time: an application that changes its user by itself loses it.
    () => dieWithManager(place.manager),
  ];
}

/**
 * The template that forked this worker was killed before it had told the manager, which has given the place to another one.
 * Nobody else would ever end this one.
 */
function endIfForgotten({ channel, row }: Place): void {
  if (row.isStopping || channel.receive().is !== 'gone') return;
  row.leave();
  process.kill(process.pid, 'SIGTERM');
}

/** As PM2 names it, and as configuration libraries read it; and under a name of prefork's own. */
function nameInEnvironment({ id }: WorkerInfo): void {
  process.env['NODE_APP_INSTANCE'] = String(id);
  process.env['PREFORK_WORKER'] = String(id);
}

function callHook({ hooks }: Settings, { worker }: Place, log: Log): void {
  try {
    hooks.afterFork?.({ ...worker });
  } catch (error) {
    logFailedHook('afterFork', error, worker, log);
    binding.process_exit(1);
  }
}

function logFailedHook(name: keyof Hooks, error: unknown, { id, pid }: WorkerInfo, log: Log): void {
  const message = `The hook ${name} threw: ${error instanceof Error ? error.stack : error}`;
  log({ level: 'error', event: 'hook_failed', message, worker: id, pid });
}

/** SIGINT and SIGHUP reach a whole terminal: the manager decides what comes of them. */
function listenForSignals(place: Place, options: WorkerOptions): void {
  holdSignals([...ENDING, 'SIGHUP'], (signal) => {
    if (signal === 'SIGHUP') emitSignal(signal);
    else if (signal !== 'SIGINT' || !waitsForTerm()) void finish(place, options, signal);
  });
  for (const signal of place.early) process.kill(process.pid, signal);
}

/** An application that listens for SIGTERM only: the manager sends it one after its own SIGINT. */
function waitsForTerm(): boolean {
  return !applicationListensFor('SIGINT') && applicationListensFor('SIGTERM');
}

/**
 * The application's own listeners get the signal when all requests are answered, and find everything as without a
 * manager; they end the worker in their own time. Where there are none, it ends when its last connection is closed.
 */
async function finish(place: Place, options: WorkerOptions, signal: NodeJS.Signals): Promise<void> {
  const { row, worker } = place;
  const { log, rules } = options;
  if (row.isStopping) return;
  row.markStopping();
  place.channel.trySend({ type: 'stopping' });
  giveUpOnce();
  giveUpRecordings();
  closeInspector();
  const { isKnown, told } = tellApplication(place, options);
  const listens = () => applicationListensFor(signal);
  const patience = patienceOf(rules);
  const isUrgent = () => row.get('ending') === 1;
  const since = monotonic();
  await stopAccepting(() => row.get('draining') === 1);
  // The rest of the time is the listeners' own.
  await answerRequests({ isUrgent, limit: listens() ? patience / 2 : patience }, !listens());
  await within(patience - (monotonic() - since), told);
  const isAlone = !listens();
  if (!isAlone) {
    process.once('beforeExit', closeServers);
    await within(LAST_METRICS, publishLast());
    releaseSignals(ENDING);
    await deliver(signal);
  }
  const cut = await endLasting({ isUrgent, limit: patience }, isKnown || !isAlone, isAlone);
  if (cut > 0) log(connectionsCut(worker, cut));
  if (!isAlone) return;
  await within(LAST_METRICS, publishLast());
  process.exit(0);
}

/** `isKnown`: it wants to know. `told`: when its hook has come to an end. */
interface Telling {
  isKnown: boolean;
  told: Promise<void>;
}

/** At once, for connections that only the application can bring to an end. */
function tellApplication({ worker }: Place, { settings, log }: WorkerOptions): Telling {
  const emitter = process as EventEmitter;
  const { workerStopping } = settings.hooks;
  const isKnown = workerStopping !== undefined || emitter.listenerCount('workerStopping') > 0;
  const told = (async () => workerStopping?.({ ...worker }))().catch((error: unknown) =>
    logFailedHook('workerStopping', error, worker, log),
  );
  // An event of its own: what a listener throws is an uncaught exception.
  nextTick(() => emitter.emit('workerStopping', { ...worker }));
  return { isKnown, told };
}

/** At most so many milliseconds. */
async function within(limit: number, promise: Promise<void>): Promise<void> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<void>((resolve) => {
    timer = setTimeout(resolve, Math.max(0, limit));
  });
  await Promise.race([promise, late]);
  clearTimeout(timer);
}

/** In a turn of the loop of its own: what a listener throws is an uncaught exception, as with any signal. */
function deliver(signal: NodeJS.Signals): Promise<void> {
  return new Promise((resolve) => {
    setImmediate(() => {
      resolve();
      emitSignal(signal);
    });
  });
}

/** As Node does when it comes (lib/internal/process/signal.js). */
function emitSignal(signal: NodeJS.Signals): void {
  (process as EventEmitter).emit(signal, signal, constants.signals[signal]);
}

/** From the signal on, in milliseconds. */
function patienceOf({ gracefulTimeout }: Rules): number {
  return Math.max(gracefulTimeout - BEFORE_THE_KILL, gracefulTimeout / 2);
}

function connectionsCut({ id, pid }: WorkerInfo, count: number): LogEntry {
  const what = count === 1 ? '1 connection that was' : `${count} connections that were`;
  const message = `Worker ${id} (pid ${pid}) closed ${what} still open (WebSocket, events, streams)`;
  return { level: 'info', event: 'connections_closed', message, worker: id, pid };
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
      const { id, pid } = worker;
      const message = `Worker ${id} could not open its inspector on port ${port}: ${String(error)}`;
      log({ level: 'warning', event: 'inspector_failed', message, worker: id, pid });
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
