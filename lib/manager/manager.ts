/** The process manager: an application is loaded once, and from its first `listen` on it runs in workers. */
import type { Server } from 'node:net';
import { integer } from '../base/arguments';
import { binding } from '../base/binding';
import { preforkError } from '../base/errors';
import type { ListeningSocket } from '../netutil';
import { takeArrivedSignals } from '../wait/signals';
import { warmup } from '../warmup/warmup';
import { bindOneOfMany, formatWish, type Wish } from './listening/bind';
import { Endpoint } from './listening/endpoints';
import { type Call, interceptListen, listenOn } from './listening/intercept';
import { LaterListens } from './listening/later-listens';
import type { LogEvent } from './log-events';
import { rememberLogFiles, reopenLogFiles } from './log-files';
import { autoWorkers } from './parent/auto-workers';
import { callInParent } from './parent/hooks';
import {
  explainBind,
  explainBusy,
  explainUnsharable,
  isBusy,
  refuseCluster,
  unsharable,
} from './parent/refusals';
import { rehearseServers } from './parent/rehearse-servers';
import { beginSupervising, type Place, supervise } from './parent/supervise';
import { MIN_HANG_TIMEOUT, type Rules } from './policy';
import { MAX_WORKERS } from './scoreboard';
import type { Log, Settings, WorkerInfo } from './settings';
import { PidFile } from './system/pid-file';
import { findSocketRules, type SocketRules, withAccess } from './system/socket-access';
import { becomeWorker } from './worker/become-worker';
import { findPrivileges, type Privileges } from './worker/privileges';
import { leaveQueueOf, watchServer } from './worker/traffic';
import { beginManaging, beginsToListen, ownRow } from './worker/worker';

/** How often an application that has something under way is looked at again. */
const BUSY_INTERVAL = 5;

/** 128 + SIGTERM, as a shell tells it. */
const TERMINATED = 143;

/** A call of `listen`, and what answers it. */
interface Served {
  call: Call;
  endpoints: Endpoint[];
}

export class Manager {
  readonly #settings: Settings;
  readonly #rules: Rules;
  readonly #log: Log;
  readonly #onListen: () => void;
  readonly #privileges: Privileges;
  readonly #served: Served[] = [];
  readonly #socketRules: SocketRules;
  readonly #later = new LaterListens((wish) => withAccess(wish, this.#socketRules, false));
  /** Calls of `listen` that wait for the application to have nothing under way. */
  #waiting: Call[] = [];
  #giveUp: NodeJS.Timeout | undefined;
  #rehearsal: 'to do' | 'under way' | 'done';
  #place: Place | undefined;
  #pidFile: PidFile | undefined;

  /**
   * Prepares this process, and takes over what `listen` does from now on.
   *
   * @param onListen called in the parent for each `listen`, even if it has to wait before it can be answered
   */
  constructor(settings: Settings, log: Log, onListen: () => void) {
    this.#settings = settings;
    this.#rules = rulesOf(settings);
    this.#log = log;
    this.#onListen = onListen;
    this.#rehearsal = settings.rehearse.length > 0 ? 'to do' : 'done';
    this.#privileges = findPrivileges(settings.user, settings.group);
    this.#socketRules = findSocketRules(settings, this.#privileges);
    beginManaging();
    rememberLogFiles();
    if (settings.cwd !== null) process.chdir(settings.cwd);
    if (settings.umask !== null) process.umask(settings.umask);
    refuseCluster();
    interceptListen((call) => this.#take(call));
    process.on('beforeExit', this.#neverListened);
    // Process 1 has no default actions.
    if (process.pid === 1) process.on('SIGTERM', this.#terminatedEarly);
    this.#giveUp = this.#expectListen();
  }

  /** For what keeps the application from ever being forked. */
  fail(event: LogEvent, message: string): never {
    this.#log({ level: 'error', event, message });
    this.#cleanUp();
    process.exit(1);
  }

  /** In the parent the end; in a worker, where loading has gone on, an error like any other. */
  failedToLoad(error: unknown): never {
    if (this.#place !== undefined) throw error;
    const text = error instanceof Error ? (error.stack ?? error.message) : String(error);
    this.fail('load_failed', `Cannot load the application: ${text}`);
  }

  #expectListen(): NodeJS.Timeout {
    return setTimeout(this.#neverListened, this.#settings.bootTimeout).unref();
  }

  readonly #neverListened = (): void => {
    if (isBusy() && this.#waiting.length > 0) this.fail('application_was_busy', explainBusy());
    this.fail(
      'never_listened',
      'The application did not start a server: prefork forks at the first server.listen(). Call it; or export a server, ' +
        'an app or a request listener, and add --bind',
    );
  };

  readonly #terminatedEarly = (): void => process.exit(TERMINATED);

  #take(call: Call): boolean {
    if (this.#place !== undefined) return this.#listenAgain(call, this.#place);
    this.#onListen();
    this.#waiting.push(call);
    this.#startWhenQuiet();
    return true;
  }

  /** What is under way when a process forks is done by both: a moment later it is done. */
  #startWhenQuiet(): void {
    if (this.#rehearsal === 'under way') return;
    if (isBusy()) setTimeout(() => this.#startWhenQuiet(), BUSY_INTERVAL);
    else if (this.#waiting.length === 0) return;
    else if (this.#rehearsal === 'to do') void this.#rehearse();
    else this.#start();
  }

  /** Before anything is bound: no client has to wait for it. */
  async #rehearse(): Promise<void> {
    const { rehearse, bootTimeout } = this.#settings;
    this.#rehearsal = 'under way';
    clearTimeout(this.#giveUp);
    try {
      const servers = this.#waiting.map(({ server }) => server);
      await rehearseServers(servers, rehearse, bootTimeout, this.#log);
    } catch (error) {
      const why = error instanceof Error ? error.message : String(error);
      this.fail('rehearsal_failed', `Cannot rehearse ${rehearse.join(', ')}: ${why}`);
    }
    this.#rehearsal = 'done';
    this.#giveUp = this.#expectListen();
    this.#startWhenQuiet();
  }

  #start(): void {
    const calls = this.#waiting;
    this.#waiting = [];
    for (const call of calls) this.#bind(call);
    if (this.#served.length === 0) return; // each has been told
    this.#place = this.#fork();
    /* a worker, from here on */
    this.#becomeWorker(this.#place);
    for (const { call, endpoints } of this.#served) this.#serve(call, endpoints, this.#place.worker);
  }

  // --- In the parent ---

  #bind(call: Call): void {
    const { bind, balanced } = this.#settings;
    const asked = call.wish as Wish;
    const isFromBind = this.#served.length === 0 && bind.length > 0;
    const wishes = isFromBind ? bind : [asked];
    const endpoints: Endpoint[] = [];
    for (const wish of wishes) {
      try {
        const allowed = withAccess(wish, this.#socketRules, isFromBind);
        endpoints.push(new Endpoint(allowed, balanced ? this.#rules.workers : 0));
      } catch (error) {
        for (const endpoint of endpoints) endpoint.close();
        this.#couldNotBind(call.server, wish, error as NodeJS.ErrnoException);
        return;
      }
    }
    this.#served.push({ call, endpoints });
  }

  /** An application that listens for errors may have another port to try. */
  #couldNotBind(server: Server, wish: Wish, error: NodeJS.ErrnoException): void {
    if (this.#settings.bind.length > 0 || server.listenerCount('error') === 0) {
      this.fail('listen_failed', explainBind(wish, error));
    }
    process.nextTick(() => server.emit('error', error));
  }

  /** Returns in workers only. */
  #fork(): Place {
    const settings = this.#settings;
    clearTimeout(this.#giveUp);
    process.off('beforeExit', this.#neverListened);
    try {
      callInParent('beforeFork', () => settings.hooks.beforeFork?.(), this.#log);
    } catch (error) {
      this.fail('hook_failed', `The hook beforeFork threw: ${error instanceof Error ? error.stack : error}`);
    }
    const things = unsharable();
    if (things.length > 0) this.fail('connections_were_open', explainUnsharable(things));
    // From here on signals are kept for the parent that obeys them. Not before the hook, which may run commands: libuv
    // learns of their end by SIGCHLD.
    const arrived = takeArrivedSignals();
    process.off('SIGTERM', this.#terminatedEarly);
    beginSupervising(arrived);
    try {
      if (settings.pidFile !== null) this.#pidFile = new PidFile(settings.pidFile);
    } catch (error) {
      this.fail('pid_file_failed', error instanceof Error ? error.message : String(error));
    }
    if (settings.title !== null) process.title = `${settings.title}: manager`;
    if (settings.warmup) warmup({ smallYoungGeneration: settings.smallYoungGeneration });
    const names = this.#endpoints().map(({ name }) => name);
    const { workers } = this.#rules;
    this.#log({
      level: 'info',
      event: 'listening_started',
      message: `Listening on ${names.join(', ')} with ${workers} worker${workers === 1 ? '' : 's'}`,
      pid: process.pid,
    });
    return supervise(this.#rules, {
      log: this.#log,
      hooks: settings.hooks,
      prepare: (id) => {
        for (const endpoint of this.#endpoints()) endpoint.prepare(id);
      },
      stopListening: () => {
        for (const endpoint of this.#endpoints()) endpoint.close();
      },
      closeQueue: (id) => this.#endpoints().filter((endpoint) => endpoint.closeQueue(id)).length > 0,
      reopenLogs: () => reopenLogFiles(this.#log),
      readNote: () => this.#readNote(),
      cleanUp: () => this.#cleanUp(),
    });
  }

  #endpoints(): Endpoint[] {
    return [...this.#served.flatMap(({ endpoints }) => endpoints), ...this.#later.endpoints];
  }

  /** A worker has found that the application listens a second time. */
  #readNote(): void {
    const { wish, answer } = this.#later.readNote() ?? {};
    if (wish === undefined || answer === undefined) return;
    if ('error' in answer) {
      this.#log({ level: 'error', event: 'listen_failed', message: explainBind(wish, answer.error) });
    } else {
      this.#log({
        level: 'info',
        event: 'listening_started',
        message: `Listening on ${answer.endpoint.name}, too`,
      });
    }
  }

  #cleanUp(): void {
    this.#pidFile?.remove();
    for (const endpoint of this.#endpoints()) endpoint.removeFile();
  }

  // --- In a worker ---

  /** Nothing is thrown into the application, which might catch it and go on: as root, if that could not be given up. */
  #becomeWorker(place: Place): void {
    const { worker } = place;
    this.#pidFile?.leave();
    try {
      becomeWorker(place, {
        settings: this.#settings,
        rules: this.#rules,
        privileges: this.#privileges,
        log: this.#log,
      });
    } catch (error) {
      this.#log({
        level: 'error',
        event: 'worker_start_failed',
        message: `Worker ${worker.id} could not start: ${error instanceof Error ? error.stack : error}`,
        worker: worker.id,
        pid: worker.pid,
      });
      binding.process_exit(1);
    }
  }

  #serve(call: Call, endpoints: Endpoint[], { id }: WorkerInfo): void {
    this.#watch(call.server);
    listenOn(
      call,
      endpoints.map((endpoint) => take(endpoint, id)),
    );
  }

  #watch(server: Server): void {
    const row = ownRow();
    if (row === undefined) return;
    watchServer(server, row);
    beginsToListen(server);
  }

  /** The parent binds what it has not bound yet, and forks this worker again, which serves nobody yet. */
  #listenAgain(call: Call, { worker, row }: Place): boolean {
    const { server, wish } = call;
    if (wish === null || call.isExclusive || isAnyPort(wish)) return this.#listenAlone(call);
    const answer = this.#later.answer(wish);
    if (answer === undefined) {
      if (row.isReady || !this.#mayLeaveNotes || !this.#later.leaveNote(worker.id, wish)) {
        return this.#listenAlone(call, worker);
      }
      row.set('hasLeftNote', 1);
      return binding.process_exit(0);
    }
    this.#watch(server);
    if ('error' in answer) process.nextTick(() => server.emit('error', answer.error));
    else listenOn(call, [take(answer.endpoint, worker.id)]);
    return true;
  }

  /** What a worker asks for is done with the parent's rights, which may be more than the worker's. */
  get #mayLeaveNotes(): boolean {
    return this.#settings.user === null && this.#settings.group === null;
  }

  /** A port can be bound by each worker, and the kernel spreads the connections; all else is Node's to do. */
  #listenAlone(call: Call, worker?: WorkerInfo): boolean {
    this.#watch(call.server);
    const { wish } = call;
    if (worker === undefined || wish === null) return false;
    this.#warnOfListening(wish, worker);
    if (wish.kind !== 'tcp') return false;
    try {
      listenOn(call, [bindOneOfMany(wish)]);
    } catch (error) {
      process.nextTick(() => call.server.emit('error', error));
    }
    return true;
  }

  #warnOfListening(wish: Wish, { id, pid, generation, restarts }: WorkerInfo): void {
    if (id !== 0 || generation !== 0 || restarts !== 0) return;
    const why = this.#mayLeaveNotes ? 'its workers are ready' : 'its workers have changed their user';
    const what = {
      tcp: 'each worker binds it for itself, and connections that wait for a worker that ends are lost',
      unix: 'only one worker can have it',
      fd: 'each worker serves it',
    }[wish.kind];
    this.#log({
      level: 'warning',
      event: 'listened_late',
      message:
        `The application listens on ${formatWish(wish)} after ${why}, so the parent cannot bind it for all: ` +
        `${what}. Listen right after the first listen(), or when that calls back, with workers that keep their user; ` +
        'or serve all addresses with one server and give them with --bind',
      worker: id,
      pid,
    });
  }
}

/** Each worker can have its own: a client that wants that talks to this worker, or only looks for a free port. */
function isAnyPort(wish: Wish): boolean {
  return wish.kind === 'tcp' && wish.port === 0;
}

/** For worker `id`: its socket. */
function take(endpoint: Endpoint, id: number): ListeningSocket {
  const socket = endpoint.take(id);
  if (endpoint.isLent) leaveQueueOf(socket);
  return socket;
}

function rulesOf(settings: Settings): Rules {
  const { workers, hangTimeout, inspectPort } = settings;
  if (hangTimeout !== 0 && hangTimeout < MIN_HANG_TIMEOUT) {
    throw preforkError(
      'ERR_PREFORK_OUT_OF_RANGE',
      `Expected 0 or at least ${MIN_HANG_TIMEOUT} ms for hangTimeout but received ${hangTimeout} ms`,
      { Base: RangeError },
    );
  }
  return {
    ...settings,
    workers: workers === 'auto' ? autoWorkers() : integer('workers', workers, 1, MAX_WORKERS),
    // A worker at a breakpoint is not hung.
    hangTimeout: inspectPort === null ? hangTimeout : 0,
  };
}
