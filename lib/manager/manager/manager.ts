/**
 * The manager: tells the policy what happens, and does what it says. It runs no code of the application or of its
 * configuration, spends its life in one native wait, and holds every listening socket.
 */
import { binding } from '../../base/binding';
import { check } from '../../base/errors';
import { monotonic } from '../../base/timers';
import { preventIdleCollections } from '../../warmup/arrange-memory';
import { rememberLogFiles, takeLogFileNames } from '../log-files';
import { type Newcomer, SIGNALS, signalsIn, supervisedSignals } from '../place';
import {
  type Action,
  decide,
  type Event,
  type HandedState,
  initialState,
  nextDeadline,
  type State,
  stateFrom,
} from '../policy';
import { rulesOf } from '../rules';
import { StackAsker } from '../scoreboard';
import type { Configuration, Log, LogFormat } from '../settings';
import { finishLog, flushLog, neverWaitForLogReader } from '../system/log-writer';
import { memoryTrimmer } from '../system/memory-trimmer';
import type { ServiceManager } from '../system/service-manager';
import { asEnd } from '../system/terminal';
import { awaitEnds } from './await-ends';
import type { Driver } from './driver';
import { closeWhatEndsWith } from './dropped-addresses';
import { exitOf } from './exit';
import { Generations } from './generations';
import { type Handover, readHandover } from './handover';
import { Hearing } from './hearing';
import { Holdings } from './holdings';
import type { Inheritance } from './inheritance';
import type { Peer } from './peers';
import { Readiness } from './readiness';
import { readingsOf } from './readings';
import { Succession } from './succession';

/** EX_SOFTWARE of sysexits.h. */
const INTERNAL_ERROR = 70;
/** How long the attendant may take for its last hooks, in milliseconds. */
const LAST_HOOKS = 5000;

/**
 * Makes this process the manager until its end. Returns in each of the children that it forks itself: one that is to read
 * the configuration, a template, a worker that is to load the application, an attendant. Nothing of the application or its
 * configuration may have run before.
 *
 * @param inheritance what an earlier program of this process has left: this one goes on with it
 */
export function manage(
  makeLog: (format: LogFormat) => Log,
  configuration: Configuration,
  serviceManager: ToldByServiceManager = NOBODY,
  inheritance: Inheritance | null = null,
): Newcomer {
  preventIdleCollections(); // a template of a manager that runs for days is as old as it
  const left = inheritance === null ? null : readHandover(inheritance.document);
  const manager = new Manager(makeLog, configuration, serviceManager, left);
  try {
    if (left === null) manager.begin();
    else manager.takeOver(left);
    return manager.run();
  } catch (error) {
    return manager.fail(error);
  }
}

type ToldByServiceManager = Pick<ServiceManager, 'notify' | 'told' | 'descriptors'>;
const NOBODY: ToldByServiceManager = { notify: null, told: {}, descriptors: [] };

class Manager implements Driver {
  state: State;
  readonly #queue: Event[] = [];
  readonly #has: Holdings;
  readonly #generations: Generations;
  readonly #readiness: Readiness;
  readonly #succession: Succession;
  readonly #hearing: Hearing;
  readonly #trimMemory = memoryTrimmer();
  /** Another program is to take this process over, when all is done that has been decided. */
  #isMakingWay = false;

  constructor(
    makeLog: (format: LogFormat) => Log,
    configuration: Configuration,
    serviceManager: ToldByServiceManager,
    left: Handover | null,
  ) {
    this.state = initialState(rulesOf(configuration.known));
    this.#has = new Holdings(this, { makeLog, known: configuration.known }, serviceManager.notify, left);
    this.#generations = new Generations(this, this.#has, configuration);
    this.#readiness = new Readiness(this, this.#has);
    this.#succession = new Succession(this, this.#has, serviceManager);
    this.#hearing = new Hearing(this, this.#has, {
      generations: this.#generations,
      readiness: this.#readiness,
      succession: this.#succession,
    });
    if (left === null) rememberLogFiles();
    else takeLogFileNames(left.log.names);
    check(binding.supervise_begin(supervisedSignals(), true), 'sigaction');
    neverWaitForLogReader(left?.log.unwritten);
  }

  begin(): void {
    this.tell({ type: 'start' });
  }

  /** Goes on with what an earlier program of this process has left. */
  takeOver(left: Handover): void {
    this.#has.takeOver(left);
    this.state = this.#stateFrom(left.state);
    check(binding.signals_release_at_start(supervisedSignals()), 'sigprocmask');
    this.#has.log.note({
      level: 'info',
      event: 'succession_finished',
      message: `${left.successor} has taken this process over`,
      pid: binding.process_getpid(),
    });
    this.tell({ type: 'taken over' });
  }

  /** By the rules of the generation that serves; how many workers it has is in the slots. */
  #stateFrom(handed: HandedState): State {
    const settings = this.#has.generations.get(handed.generation)?.settings;
    if (settings == null) throw new Error('the generation that serves has not been handed over');
    if (settings.title !== null) process.title = `${settings.title}: manager`;
    this.#has.log.setFormat(settings.logFormat);
    return stateFrom(handed, rulesOf(settings));
  }

  /** Returns in children only. */
  run(): Newcomer {
    for (;;) {
      const newcomer = this.#work() ?? this.#attend();
      if (newcomer !== undefined) return newcomer;
      if (this.#isMakingWay) {
        this.#makeWay();
        continue;
      }
      this.#has.status.observe(this.state, monotonic());
      this.#has.showing.show(this.state);
      this.#has.log.write();
      this.#trimMemory();
      this.#look(binding.supervise_wait(this.#timeToSleep(), this.#has.peers.descriptors()));
    }
  }

  tell(event: Event): void {
    this.#queue.push(event);
  }

  /** Handles all events. Returns early in a new process. */
  #work(): Newcomer | undefined {
    for (let event = this.#queue.shift(); event !== undefined; event = this.#queue.shift()) {
      const [state, actions] = decide(this.state, event, monotonic());
      this.state = state;
      for (const action of actions) {
        const newcomer = this.#do(action);
        if (newcomer !== undefined) return newcomer;
      }
    }
    return undefined;
  }

  /** Hooks are those of the generation that serves. */
  #attend(): Newcomer | undefined {
    if (this.state.phase !== 'running' || !this.state.everLoaded) return undefined;
    const { generation } = this.state;
    const settings = this.#has.generations.get(generation)?.settings;
    if (settings == null) return undefined;
    this.#has.statusAddress.settle(settings);
    return this.#has.hooks.attend(generation, settings);
  }

  /** Returns if the other program could not take over. */
  #makeWay(): void {
    this.#isMakingWay = false;
    this.#has.log.write();
    this.tell(this.#succession.takePlace());
  }

  #timeToSleep(): number {
    const now = monotonic();
    const deadline = nextDeadline(this.state) ?? Number.POSITIVE_INFINITY;
    const retryLogAfter = flushLog() ?? Number.POSITIVE_INFINITY;
    const next = Math.min(
      deadline,
      this.#has.hooks.nextAt(now),
      this.#has.status.nextCall(now),
      now + retryLogAfter,
    );
    return next === Number.POSITIVE_INFINITY ? -1 : Math.min(Math.max(0, Math.ceil(next - now)), 2 ** 31 - 1);
  }

  // --- What happens ---

  #look(arrived: number): void {
    for (const peer of this.#has.peers.all()) this.#hearing.listenTo(peer);
    this.#reap();
    this.#readiness.tellOfLate();
    this.#has.hooks.endLate();
    for (const signal of signalsIn(this.#heed(arrived), SIGNALS)) this.tell({ type: 'signal', signal });
    this.tell({ type: 'time', readings: readingsOf(this.#has.peers.workers()) });
    this.#generations.forget();
  }

  /** Without a SIGHUP that only says that the terminal has been closed. */
  #heed(arrived: number): number {
    if (!this.#has.terminal.isClosedBy(arrived)) return arrived;
    const message = 'The terminal has been closed: ending as after SIGTERM';
    this.#has.log.note({ level: 'info', event: 'terminal_closed', message });
    return asEnd(arrived);
  }

  /** Process 1 also reaps orphans of others, which are no peers. */
  #reap(): void {
    const status = new Int32Array(1);
    for (;;) {
      const pid = binding.supervise_reap(status);
      if (pid <= 0) return;
      const peer = this.#has.peers.get(pid);
      if (peer !== undefined) this.ended(peer, status[0] ?? 0);
      else this.#has.newWorkers.strangerEnded(pid, status[0] ?? 0);
    }
  }

  ended(peer: Peer, status: number): void {
    const exit = exitOf(status, this.#has.outOfMemory);
    peer.hasEnded = true;
    this.#hearing.hearOut(peer);
    if (peer.worker !== null) this.tell({ type: 'exited', pid: peer.pid, exit, wasTold: peer.isStopping });
    const verdict = this.#succession.ended(peer, exit);
    if (verdict !== undefined) this.tell(verdict);
    const generation = this.#has.generations.get(peer.generation);
    if (generation !== undefined && peer === generation.template)
      this.#generations.templateEnded(generation, exit, peer.why);
    this.#has.hooks.ended(peer, exit);
    this.#has.peers.remove(peer);
  }

  // --- What is done ---

  #do(action: Action): Newcomer | undefined {
    switch (action.type) {
      case 'configure':
        return this.#generations.configure(action.generation);
      case 'load':
        return this.#generations.load(action.generation);
      case 'unload':
        this.#generations.unload(action.generation, action.gently);
        break;
      case 'retire':
        this.#generations.retire(action.generation);
        break;
      case 'fork':
        return this.#has.newWorkers.fork(action);
      case 'kill':
        if (action.signal === 'SIGTERM') this.#closeWhatEndsWith(action.pid);
        this.kill(action.pid, action.signal);
        break;
      case 'report stack':
        this.#has.peers.get(action.pid)?.row?.askForStack(StackAsker.MANAGER);
        break;
      case 'worker ready':
        this.#readiness.serves(action.worker);
        this.#has.hooks.tell({ hook: 'workerReady', worker: action.worker });
        break;
      case 'worker exit':
        this.#has.hooks.tell({ hook: 'workerExit', worker: action.worker, exit: action.exit });
        break;
      case 'lost':
        this.#has.chronicle.lost(action.id, action.why);
        break;
      case 'reloaded':
        this.#has.hooks.tell({ hook: 'reloaded', generation: action.generation });
        break;
      case 'stop listening':
        this.#stopListening();
        break;
      case 'close queue':
        if (this.#has.addresses.closeQueues(action.id)) this.#askToDrain(action.id);
        break;
      case 'try successor':
        this.#trySuccessor();
        break;
      case 'give up successor':
        this.#isMakingWay = false;
        this.#succession.giveUp();
        break;
      case 'hand over':
        this.#isMakingWay = true;
        break;
      case 'reopen logs':
        this.#has.reopenedLogs.reopen(this.#has.log.note, this.#has.generations.values());
        break;
      case 'log':
        this.#has.log.note(action.entry);
        break;
      case 'end':
        return this.end(action.status);
    }
    return undefined;
  }

  #closeWhatEndsWith(pid: number): void {
    const leaving = this.#has.peers.get(pid);
    if (leaving !== undefined && this.state.phase === 'running')
      closeWhatEndsWith(leaving, this.state, this.#has);
  }

  #stopListening(): void {
    this.#has.addresses.close();
    for (const { row } of this.#has.peers.workers()) {
      row?.askToDrain();
      row?.tellOfEnd();
    }
  }

  #askToDrain(id: number): void {
    for (const { row, worker } of this.#has.peers.workers()) if (worker?.id === id) row?.askToDrain();
  }

  #trySuccessor(): void {
    const verdict = this.#succession.try();
    if (verdict !== undefined) this.tell(verdict);
  }

  kill(pid: number, signal: 'SIGTERM' | 'SIGKILL'): void {
    try {
      process.kill(pid, signal);
    } catch (error) {
      this.#has.log.note({
        level: 'error',
        event: 'kill_failed',
        message: `Cannot send ${signal} to process ${pid}: ${String(error)}`,
        pid,
      });
    }
  }

  // --- The end ---

  end(status: number): never {
    const { peers } = this.#has;
    this.#has.hooks.dismiss();
    for (const peer of peers.all()) if (peer.role !== 'attendant') this.kill(peer.pid, 'SIGKILL');
    this.#has.removeFiles();
    awaitEnds(peers, monotonic() + LAST_HOOKS, (pid) => this.kill(pid, 'SIGKILL'));
    this.#has.status.observe(this.state, monotonic());
    this.#has.log.write();
    finishLog();
    return binding.process_exit(status);
  }

  fail(error: unknown): never {
    this.#has.log.note({
      level: 'error',
      event: 'manager_failed',
      message: `Internal error in the manager; it and its workers end: ${error instanceof Error ? error.stack : error}`,
    });
    try {
      this.#has.removeFiles();
    } catch {
      // What is left is stale, which the next start sees.
    }
    this.#has.log.write();
    finishLog();
    return binding.process_exit(INTERNAL_ERROR);
  }
}
