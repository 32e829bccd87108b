/**
 * The manager: tells the policy what happens, and does what it says. It runs no code of the application or of its
 * configuration, spends its life in one native wait, and holds every listening socket.
 */
import { closeSync } from 'node:fs';
import { binding } from '../../base/binding';
import { check } from '../../base/errors';
import { monotonic } from '../../base/timers';
import type { ToManager, Unsharable } from '../channel/messages';
import type { Keep } from '../listening/endpoints';
import type { LogEntry } from '../log-events';
import { logFileNames, rememberLogFiles, takeLogFileNames } from '../log-files';
import { type Newcomer, SIGNALS, signalsIn, supervisedSignals } from '../place';
import {
  type Action,
  decide,
  type Event,
  type HandedState,
  handedState,
  initialState,
  nextDeadline,
  type State,
  stateFrom,
} from '../policy';
import { isPreloaded, rulesOf } from '../rules';
import { DEFAULTS, type Log, type LogFormat, type PlainSettings } from '../settings';
import { finishLog, flushLog, neverWaitForLogReader, unwrittenLog } from '../system/log-writer';
import { memoryTrimmer } from '../system/memory-trimmer';
import { OutOfMemoryWatch } from '../system/out-of-memory';
import { PidFile } from '../system/pid-file';
import { PublishedState } from '../system/published-state';
import type { ServiceManager } from '../system/service-manager';
import { StatusNotifier } from '../system/status-notifier';
import { asEnd, TerminalWatch } from '../system/terminal';
import { Addresses } from './addresses';
import { Announcements } from './announcements';
import { awaitEnds } from './await-ends';
import { Births } from './births';
import { Datagrams } from './datagrams';
import { exitOf } from './exit';
import { explainLoads } from './explain-loads';
import { type Generation, handGeneration, newGeneration, takeGeneration } from './generation';
import { descriptorsIn, HANDOVER_VERSION, type Handover, readHandover, writeHandover } from './handover';
import { HookCaller } from './hook-caller';
import type { Inheritance } from './inheritance';
import { inheritedSockets } from './inherited-sockets';
import { ListenRequests } from './listen-requests';
import { NewWorkers } from './new-workers';
import { hear, nameOf, newPeer, type Peer, Peers } from './peers';
import { Probes } from './probes';
import { readingsOf } from './readings';
import { ReopenedLogs } from './reopened-logs';
import { ScoreboardFile } from './scoreboard-file';
import { Succession } from './succession';

/** EX_SOFTWARE of sysexits.h. */
const INTERNAL_ERROR = 70;
/** How long the attendant may take for its last hooks, in milliseconds. */
const LAST_HOOKS = 5000;

/**
 * Makes this process the manager until its end. Returns in each of the children that it forks itself: a
 * template, a worker that is to load the application, an attendant. Nothing of the application may have run before.
 *
 * @param inheritance what an earlier program of this process has left: this one goes on with it
 */
export function manage(
  makeLog: (format: LogFormat) => Log,
  serviceManager: ToldByServiceManager = NOBODY,
  inheritance: Inheritance | null = null,
): Newcomer {
  const left = inheritance === null ? null : readHandover(inheritance.document);
  const manager = new Manager(makeLog, serviceManager, left);
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

class Manager {
  readonly #makeLog: (format: LogFormat) => Log;
  readonly #peers = new Peers();
  readonly #addresses = new Addresses();
  readonly #announcements = new Announcements((entry) => this.#log(entry));
  readonly #listenRequests: ListenRequests;
  readonly #probes = new Probes(this.#addresses);
  readonly #datagrams = new Datagrams();
  readonly #generations = new Map<number, Generation>();
  readonly #queue: Event[] = [];
  readonly #births = new Births({ fail: (error) => this.fail(error), letGo: () => this.#letGo() });
  readonly #newWorkers = new NewWorkers({
    peers: this.#peers,
    generations: this.#generations,
    births: this.#births,
    tell: (event) => this.#queue.push(event),
    ended: (worker, status) => this.#ended(worker, status),
  });
  readonly #hooks = new HookCaller(this.#peers, this.#births);
  readonly #succession: Succession;
  readonly #scoreboard: ScoreboardFile;
  readonly #reopenedLogs: ReopenedLogs;
  readonly #status: StatusNotifier;
  readonly #published: PublishedState;
  readonly #terminal: TerminalWatch;
  readonly #outOfMemory: OutOfMemoryWatch;
  readonly #trimMemory = memoryTrimmer();
  /** What is still to be logged. */
  readonly #entries: LogEntry[] = [];
  #log: Log;
  #state: State;
  #pidFile: PidFile | undefined;
  /** Another program is to take this process over, when all is done that has been decided. */
  #isMakingWay = false;

  constructor(
    makeLog: (format: LogFormat) => Log,
    serviceManager: ToldByServiceManager,
    left: Handover | null,
  ) {
    this.#scoreboard = new ScoreboardFile(left?.scoreboard);
    this.#published = new PublishedState(left?.published);
    this.#status = new StatusNotifier(serviceManager.notify, left?.said);
    this.#terminal = new TerminalWatch(left?.hadTerminal);
    this.#outOfMemory = new OutOfMemoryWatch('/', left?.killedOutOfMemory);
    this.#reopenedLogs = new ReopenedLogs(left?.log.reopened);
    this.#succession = new Succession(this.#peers, this.#births, serviceManager);
    this.#listenRequests = new ListenRequests(
      this.#addresses,
      this.#announcements,
      (entry) => this.#log(entry),
      left === null ? inheritedSockets() : new Set(left.inherited),
    );
    this.#makeLog = makeLog;
    this.#log = makeLog('plain');
    this.#state = initialState(rulesOf({ ...DEFAULTS, watches: false }));
    if (left === null) rememberLogFiles();
    else takeLogFileNames(left.log.names);
    check(binding.supervise_begin(supervisedSignals(), true), 'sigaction');
    neverWaitForLogReader(left?.log.unwritten);
  }

  begin(): void {
    this.#queue.push({ type: 'start' });
  }

  /** Goes on with what an earlier program of this process has left. */
  takeOver(left: Handover): void {
    for (const fd of descriptorsIn(left)) check(binding.process_close_on_exec(fd), 'fcntl');
    this.#births.couldNotBeShared = left.couldNotBeShared;
    this.#pidFile = left.pidFile === null ? undefined : new PidFile(left.pidFile);
    this.#addresses.takeOver(left.addresses);
    this.#datagrams.takeOver(left.datagrams);
    for (const [place, port] of left.found) this.#probes.chosen.set(place, port);
    this.#announcements.takeOver(this.#addresses.endpoints);
    this.#peers.takeOver(left.peers);
    for (const each of left.generations) {
      const generation = takeGeneration(each, this.#peers, this.#addresses.endpoints);
      this.#generations.set(generation.number, generation);
    }
    this.#state = this.#stateFrom(left.state);
    check(binding.signals_release_at_start(supervisedSignals()), 'sigprocmask');
    this.#entries.push({
      level: 'info',
      event: 'succession_finished',
      message: `${left.successor} has taken this process over`,
      pid: binding.process_getpid(),
    });
    this.#queue.push({ type: 'taken over' });
  }

  /** Returns in children only. */
  run(): Newcomer {
    for (;;) {
      const newcomer = this.#work() ?? this.#attend();
      if (newcomer !== undefined) return newcomer;
      if (this.#isMakingWay) {
        this.#handOver();
        continue;
      }
      this.#status.observe(this.#state, monotonic());
      this.#published.show(this.#state);
      this.#writeLog();
      this.#trimMemory();
      this.#look(binding.supervise_wait(this.#timeToSleep(), this.#peers.descriptors()));
    }
  }

  /** What it reports is done first. */
  #writeLog(): void {
    for (const entry of this.#entries.splice(0)) this.#log(entry);
  }

  /** By the rules of the generation that serves; how many workers it has is in the slots. */
  #stateFrom(handed: HandedState): State {
    const settings = this.#generations.get(handed.generation)?.settings;
    if (settings == null) throw new Error('the generation that serves has not been handed over');
    if (settings.title !== null) process.title = `${settings.title}: manager`;
    this.#log = this.#makeLog(settings.logFormat);
    return stateFrom(handed, rulesOf(settings));
  }

  /** The manager's own error: it ends, and its workers with it. */
  fail(error: unknown): never {
    this.#log({
      level: 'error',
      event: 'manager_failed',
      message: `Internal error in the manager; it and its workers end: ${error instanceof Error ? error.stack : error}`,
    });
    this.#cleanUp();
    finishLog();
    return binding.process_exit(INTERNAL_ERROR);
  }

  /** Handles all events. Returns early in a new process. */
  #work(): Newcomer | undefined {
    for (let event = this.#queue.shift(); event !== undefined; event = this.#queue.shift()) {
      const [state, actions] = decide(this.#state, event, monotonic());
      this.#state = state;
      for (const action of actions) {
        const newcomer = this.#do(action);
        if (newcomer !== undefined) return newcomer;
      }
    }
    return undefined;
  }

  #timeToSleep(): number {
    const now = monotonic();
    const deadline = nextDeadline(this.#state) ?? Number.POSITIVE_INFINITY;
    const retryLogAfter = flushLog() ?? Number.POSITIVE_INFINITY;
    const next = Math.min(deadline, this.#status.nextCall(now), now + retryLogAfter);
    return next === Number.POSITIVE_INFINITY ? -1 : Math.min(Math.max(0, Math.ceil(next - now)), 2 ** 31 - 1);
  }

  // --- What happens ---

  #look(arrived: number): void {
    for (const peer of this.#peers.all()) this.#listenTo(peer);
    this.#reap();
    for (const signal of signalsIn(this.#heed(arrived), SIGNALS))
      this.#queue.push({ type: 'signal', signal });
    this.#queue.push({ type: 'time', readings: readingsOf(this.#peers.workers()) });
    this.#forgetGenerations();
  }

  /** Without a SIGHUP that only says that the terminal has been closed. */
  #heed(arrived: number): number {
    if (!this.#terminal.isClosedBy(arrived)) return arrived;
    const message = 'The terminal has been closed: ending as after SIGTERM';
    this.#entries.push({ level: 'info', event: 'terminal_closed', message });
    return asEnd(arrived);
  }

  #listenTo(peer: Peer): void {
    for (const heard of hear(peer, monotonic())) {
      const why = heard.is === 'wrong' ? heard.why : this.#tryToTake(peer, heard.message);
      if (why !== undefined) this.#punish(peer, why);
    }
  }

  /** An error in handling a message costs the peer that sent it, and nothing else. */
  #tryToTake(peer: Peer, message: ToManager): string | undefined {
    try {
      return this.#take(peer, message);
    } catch (error) {
      return `sent '${message.type}', which failed: ${String(error)}`;
    }
  }

  /** Nothing that it says can be believed any more. */
  #punish(peer: Peer, why: string): void {
    this.#log({
      level: 'error',
      event: 'protocol_violated',
      message: `Process ${peer.pid} (${nameOf(peer)}) ${why}: killing it`,
      pid: peer.pid,
    });
    peer.channel.close();
    this.#kill(peer.pid, 'SIGKILL');
  }

  /** Process 1 also reaps orphans of others, which are no peers. */
  #reap(): void {
    const status = new Int32Array(1);
    for (;;) {
      const pid = binding.supervise_reap(status);
      if (pid <= 0) return;
      const peer = this.#peers.get(pid);
      if (peer !== undefined) this.#ended(peer, status[0] ?? 0);
      else this.#newWorkers.strangerEnded(pid, status[0] ?? 0);
    }
  }

  #ended(peer: Peer, status: number): void {
    const exit = exitOf(status, this.#outOfMemory);
    this.#listenTo(peer); // its last words
    if (peer.worker !== null) {
      this.#queue.push({ type: 'exited', pid: peer.pid, exit, wasTold: peer.isStopping });
    }
    const verdict = this.#succession.ended(peer, exit);
    if (verdict !== undefined) this.#queue.push(verdict);
    const generation = this.#generations.get(peer.generation);
    if (peer.role === 'template' && generation !== undefined) {
      generation.template = null;
      // First: the forks that it owes are no reason to ask it for more.
      this.#queue.push({ type: 'template exited', generation: generation.number, exit });
      this.#newWorkers.templateEnded(generation);
    }
    this.#hooks.ended(peer);
    this.#peers.remove(peer);
  }

  /** Of retired generations without a process, and of the addresses that only they have asked for. */
  #forgetGenerations(): void {
    for (const { number, isRetired } of this.#generations.values()) {
      if (isRetired && !this.#peers.all().some((peer) => peer.generation === number)) {
        this.#generations.delete(number);
        this.#datagrams.keep((each) => this.#generations.has(each));
        for (const endpoint of this.#addresses.keep((each) => this.#generations.has(each))) {
          this.#announcements.ended(endpoint);
        }
      }
    }
  }

  // --- What is said ---

  /** Returns in what the message breaks the protocol; undefined: it does not. */
  #take(peer: Peer, message: ToManager): string | undefined {
    if (message.type === 'can start' || message.type === 'cannot start')
      return this.#succession.hear(peer, message);
    const generation = this.#generations.get(peer.generation);
    if (generation === undefined) return 'sent a message after its generation was forgotten';
    switch (message.type) {
      case 'settings':
        return this.#configure(peer, generation, message.settings);
      case 'listen':
        if (!peer.isConfigured) return 'asked for a socket before it sent its settings';
        // No socket is given out any more, and this process has served nobody.
        if (this.#state.phase !== 'running') {
          this.#kill(peer.pid, 'SIGKILL');
          return undefined;
        }
        this.#listenRequests.answer(peer, generation, message.bind);
        return undefined;
      case 'try':
        if (!peer.isConfigured) return 'looked for a port before it had settings';
        this.#probes.answer(peer, generation, message.bind);
        return undefined;
      case 'datagrams':
        if (!peer.isConfigured) return 'asked for a socket before it had settings';
        this.#datagrams.answer(peer, generation, message);
        return undefined;
      case 'loaded':
        if (!this.#isLoading(peer, generation)) return 'reported a load that was not under way';
        generation.isAsleep = true;
        this.#reopenedLogs.tell(generation);
        this.#loaded(generation);
        return undefined;
      case 'unsharable':
        if (!this.#isLoading(peer, generation)) return 'reported a load that was not under way';
        this.#notShared(generation, message);
        return undefined;
      case 'forked':
        return this.#newWorkers.forked(peer, generation, message.pid);
      case 'not forked':
        return this.#newWorkers.notForked(peer, generation, message.reason, message.killed);
      case 'ready':
        if (peer.worker === null) return 'reported that it is ready, but is no worker';
        this.#queue.push({ type: 'ready', pid: peer.pid });
        return undefined;
      case 'stopping':
        peer.isStopping = true;
        return undefined;
    }
  }

  #isLoading(peer: Peer, { template, number }: Generation): boolean {
    return (
      peer === template &&
      peer.isConfigured &&
      this.#state.templates.some(({ generation, phase }) => generation === number && phase === 'loading')
    );
  }

  /** Once, before any code of the application runs: these come from the configuration, which is trusted. */
  #configure(peer: Peer, generation: Generation, settings: PlainSettings): string | undefined {
    if (peer.isConfigured) return 'sent its settings twice';
    peer.isConfigured = true;
    if (peer.role !== 'template') return undefined;
    generation.settings = settings;
    if (settings.umask !== null) process.umask(settings.umask);
    if (generation.number === this.#state.generation) this.#log = this.#makeLog(settings.logFormat);
    this.#queue.push({ type: 'configured', generation: generation.number, rules: rulesOf(settings) });
    if (isPreloaded(settings, this.#births.couldNotBeShared)) return undefined;
    this.#waitsToWork(generation);
    return undefined;
  }

  /** Its template becomes the first of its workers instead. */
  #waitsToWork(generation: Generation): void {
    generation.isShared = false;
    generation.isIdle = true;
    this.#loaded(generation);
  }

  #notShared(generation: Generation, unsharable: Unsharable): void {
    this.#births.couldNotBeShared = true;
    this.#log({ level: 'warning', event: 'preload_given_up', message: explainLoads(unsharable) });
    this.#waitsToWork(generation);
  }

  #loaded(generation: Generation): void {
    const { settings, number } = generation;
    if (settings === null) return;
    if (number === this.#state.generation) this.#beginToServe(settings);
    this.#announcements.announce(generation.endpoints, settings);
    this.#queue.push({ type: 'loaded', generation: number, rules: rulesOf(settings) });
  }

  /** Once. */
  #beginToServe({ pidFile, title }: PlainSettings): void {
    if (title !== null) process.title = `${title}: manager`;
    if (pidFile === null) return;
    try {
      this.#pidFile = new PidFile(pidFile);
    } catch (error) {
      const message = error instanceof Error ? error.message : String(error);
      this.#log({ level: 'error', event: 'pid_file_failed', message });
      this.#end(1);
    }
  }

  // --- What is done ---

  #do(action: Action): Newcomer | undefined {
    switch (action.type) {
      case 'load':
        return this.#load(action.generation);
      case 'unload':
        this.#unload(action.generation, action.gently);
        break;
      case 'retire':
        this.#retire(action.generation);
        break;
      case 'fork':
        return this.#newWorkers.fork(action);
      case 'kill':
        this.#kill(action.pid, action.signal);
        break;
      case 'report stack':
        this.#peers.get(action.pid)?.row?.askForStack();
        break;
      case 'worker ready':
        this.#hooks.tell({ hook: 'workerReady', worker: action.worker });
        break;
      case 'worker exit':
        this.#hooks.tell({ hook: 'workerExit', worker: action.worker, exit: action.exit });
        break;
      case 'reloaded':
        this.#hooks.tell({ hook: 'reloaded', generation: action.generation });
        break;
      case 'stop listening':
        this.#addresses.close();
        for (const { row } of this.#peers.workers()) {
          row?.askToDrain();
          row?.tellOfEnd();
        }
        break;
      case 'close queue':
        if (this.#addresses.closeQueues(action.id)) this.#askToDrain(action.id);
        break;
      case 'try successor':
        this.#trySuccessor();
        break;
      case 'give up successor': {
        this.#isMakingWay = false;
        const pid = this.#succession.giveUp();
        if (pid !== undefined) this.#kill(pid, 'SIGKILL');
        break;
      }
      case 'hand over':
        this.#isMakingWay = true;
        break;
      case 'reopen logs':
        this.#reopenedLogs.reopen(this.#log, this.#generations.values());
        break;
      case 'log':
        this.#entries.push(action.entry);
        break;
      case 'end':
        return this.#end(action.status);
    }
    return undefined;
  }

  #load(number: number): Newcomer | undefined {
    const generation = newGeneration(number);
    this.#generations.set(number, generation);
    const born = this.#births.bear({ role: 'template' });
    if (born instanceof Error) {
      this.#log({
        level: 'error',
        event: 'fork_failed',
        message: `No template could be started: ${born.message}`,
      });
      this.#queue.push({ type: 'template exited', generation: number, exit: { code: 1, signal: null } });
      return undefined;
    }
    if ('manager' in born) return born;
    generation.template = newPeer('template', born.pid, number, born.channel);
    this.#peers.add(generation.template);
    return undefined;
  }

  #unload(number: number, gently: boolean): void {
    const template = this.#generations.get(number)?.template;
    // One that has become a worker ends as workers do.
    if (template == null) {
      this.#queue.push({ type: 'template exited', generation: number, exit: { code: 0, signal: null } });
      return;
    }
    this.#kill(template.pid, gently ? 'SIGTERM' : 'SIGKILL');
  }

  #retire(number: number): void {
    const generation = this.#generations.get(number);
    if (generation === undefined) return;
    generation.isRetired = true;
    const serving = this.#generations.get(this.#state.generation)?.settings;
    if (serving != null) this.#log = this.#makeLog(serving.logFormat);
  }

  // --- Another program ---

  #trySuccessor(): void {
    try {
      const document = writeHandover(this.#handover((fd) => fd));
      const verdict = this.#succession.try(document);
      closeSync(document);
      if (verdict !== undefined) this.#queue.push(verdict);
    } catch (error) {
      this.#queue.push(cannotStart(error));
    }
  }

  /** Returns if it could not. */
  #handOver(): void {
    this.#isMakingWay = false;
    this.#writeLog();
    try {
      const kept: number[] = [];
      const document = writeHandover(
        this.#handover((fd) => {
          kept.push(fd);
          return fd;
        }),
      );
      const why = this.#succession.takePlace(document, kept);
      closeSync(document);
      this.#queue.push({ type: 'successor cannot start', why });
    } catch (error) {
      this.#queue.push(cannotStart(error));
    }
  }

  #handover(keep: Keep): Handover {
    const { endpoints } = this.#addresses;
    const { fd: scoreboard } = this.#scoreboard;
    if (scoreboard === null) throw new Error('a module that was loaded before it has used sharedCounters()');
    const pidFile = this.#pidFile?.held ?? null;
    if (pidFile !== null) keep(pidFile.fd);
    return {
      version: HANDOVER_VERSION,
      successor: this.#succession.what,
      scoreboard: keep(scoreboard),
      published: keep(this.#published.fd),
      pidFile,
      log: { unwritten: unwrittenLog(), names: logFileNames(), reopened: [...this.#reopenedLogs.reopened] },
      hadTerminal: this.#terminal.hadOne,
      killedOutOfMemory: this.#outOfMemory.seen,
      said: this.#status.said,
      couldNotBeShared: this.#births.couldNotBeShared,
      inherited: [...this.#listenRequests.inherited],
      addresses: this.#addresses.handOver(keep),
      datagrams: this.#datagrams.handOver(keep),
      found: [...this.#probes.chosen],
      generations: [...this.#generations.values()].map((each) => handGeneration(each, endpoints)),
      peers: this.#peers.handOver(keep),
      state: handedState(this.#state),
    };
  }

  /** A child has none of the manager's descriptors but its own channel. */
  #letGo(): void {
    this.#pidFile?.leave();
    this.#peers.letGo();
    this.#addresses.letGo();
    this.#datagrams.letGo();
    this.#newWorkers.letGo();
    this.#hooks.letGo();
    this.#published.letGo();
    this.#scoreboard.letGo();
  }

  #askToDrain(id: number): void {
    for (const { row, worker } of this.#peers.workers()) if (worker?.id === id) row?.askToDrain();
  }

  /** It has not been reaped, so that the number still belongs to it. */
  #kill(pid: number, signal: 'SIGTERM' | 'SIGKILL'): void {
    try {
      process.kill(pid, signal);
    } catch (error) {
      this.#log({
        level: 'error',
        event: 'kill_failed',
        message: `Cannot send ${signal} to process ${pid}: ${String(error)}`,
        pid,
      });
    }
  }

  /** Hooks are those of the generation that serves. */
  #attend(): Newcomer | undefined {
    if (this.#state.phase !== 'running' || !this.#state.everLoaded) return undefined;
    const { generation } = this.#state;
    const hasHooks = this.#generations.get(generation)?.settings?.watches === true;
    return this.#hooks.attend(generation, hasHooks);
  }

  // --- The end ---

  #end(status: number): never {
    this.#hooks.dismiss();
    for (const peer of this.#peers.all()) if (peer.role !== 'attendant') this.#kill(peer.pid, 'SIGKILL');
    this.#cleanUp();
    awaitEnds(this.#peers, monotonic() + LAST_HOOKS, (pid) => this.#kill(pid, 'SIGKILL'));
    this.#status.observe(this.#state, monotonic());
    this.#writeLog();
    finishLog();
    return binding.process_exit(status);
  }

  #cleanUp(): void {
    this.#pidFile?.remove();
    this.#addresses.removeFiles();
  }
}

function cannotStart(error: unknown): Event {
  return { type: 'successor cannot start', why: error instanceof Error ? error.message : String(error) };
}
