/**
 * What a parent decides: a pure function from a state and an event to the next state and what is to be done about it.
 * It knows no process, clock or chance; the driver (supervise.ts) tells it of all three. Times are in milliseconds.
 */
import type { LogEntry, Settings, WorkerExit, WorkerInfo } from './settings';

/** Of the settings, those that decide anything. */
export interface Rules
  extends Pick<
    Settings,
    | 'gracefulTimeout'
    | 'bootTimeout'
    | 'hangTimeout'
    | 'restart'
    | 'maxRequests'
    | 'maxRequestsJitter'
    | 'maxMemory'
    | 'balanced'
  > {
  workers: number;
}

/**
 * `booting` until it is ready; `stopping` when it has been told to finish; `doomed` when it is being killed, which is
 * still to come for one that reports its stack first.
 */
type Phase = 'booting' | 'ready' | 'stopping' | 'doomed';

interface Worker extends WorkerInfo {
  phase: Phase;
  startedAt: number;
  readyAt: number | null;
  /** When its phase ends by force; null: never. */
  deadline: number | null;
  /** How many requests it may serve; null: any number. */
  maxRequests: number | null;
  /** Another one is to take its place. */
  outdated: boolean;
}

/** An id that there should be a worker for. */
interface Slot {
  id: number;
  restarts: number;
  /** A worker has been asked for and not been made yet. */
  forking: boolean;
  /** No new worker before that time. */
  notBefore: number;
  /** It is to be removed, by a worker that serves first what waits in the queue of its own. */
  leaving: boolean;
}

export interface State {
  readonly rules: Rules;
  readonly phase: 'running' | 'stopping' | 'ended';
  /** What the parent ends with. */
  readonly status: number;
  readonly generation: number;
  readonly slots: readonly Slot[];
  readonly workers: readonly Worker[];
  /** Some worker has been ready once. */
  readonly everReady: boolean;
  /** All `wanted` workers have been ready at once, and that has been logged. */
  readonly announced: boolean;
  /** A rolling replacement is under way. */
  readonly rolling: boolean;
  /** When workers crashed, as far back as it matters. */
  readonly crashes: readonly number[];
  /** How many crashes in a row were answered with a delay. */
  readonly level: number;
  /** All crashes that were answered with another start. */
  readonly restarts: number;
  /** The crash loop that is going on, and has been reported. */
  readonly looping: boolean;
  /** While looping: the next slot in the queue starts after that. */
  readonly queuedUntil: number;
  /** Why the last worker that never became ready ended. */
  readonly bootFailures: number;
  readonly lastFailure: string;
  /** When health was looked at last, and since when beats can be expected. */
  readonly checkedAt: number;
  readonly awakeSince: number;
}

/** What a worker says of itself in the scoreboard. */
export interface Reading {
  beat: number;
  requests: number;
  privateMemory: number;
}

export type ManagerSignal = 'SIGTERM' | 'SIGINT' | 'SIGQUIT' | 'SIGHUP' | 'SIGTTIN' | 'SIGTTOU' | 'SIGUSR1';

export type Event =
  | { type: 'start' }
  /** `chance`: 0 to 1, for the jitter. */
  | { type: 'forked'; id: number; pid: number; chance: number }
  /** `killed`: somebody killed the child before it was complete. */
  | { type: 'fork failed'; id: number; reason: string; killed: boolean }
  | { type: 'ready'; pid: number }
  /** `wasTold`: the worker was finishing, because somebody had sent it a signal. */
  | { type: 'exited'; pid: number; exit: WorkerExit; wasTold: boolean }
  /** The worker has ended, so that it can be forked anew with what it lacked. */
  | { type: 'left note'; pid: number }
  | { type: 'signal'; signal: ManagerSignal }
  | { type: 'time'; readings: ReadonlyMap<number, Reading> };

export type Action =
  | { type: 'fork'; id: number; generation: number; restarts: number }
  | { type: 'kill'; pid: number; signal: 'SIGTERM' | 'SIGKILL' }
  | { type: 'report stack'; pid: number }
  | { type: 'worker ready'; worker: WorkerInfo }
  | { type: 'worker exit'; worker: WorkerInfo; exit: WorkerExit }
  /** No connection is to be accepted any more. */
  | { type: 'stop listening' }
  /** The same for the queue of one worker, if it has one of its own. */
  | { type: 'close queue'; id: number }
  | { type: 'reopen logs' }
  | { type: 'log'; entry: LogEntry }
  | { type: 'end'; status: number };

/** Time for a worker that stands still to say where. */
export const REPORT_TIME = 1000;
/** How often health is looked at, at least. */
const CHECK_INTERVAL = 1000;
/** One that somebody kills is started again at once, but not more often than this. */
const KILLED_SPACING = 100;

export function initialState(rules: Rules): State {
  return {
    rules,
    phase: 'running',
    status: 0,
    generation: 0,
    slots: Array.from({ length: rules.workers }, (_, id) => newSlot(id)),
    workers: [],
    everReady: false,
    announced: false,
    rolling: false,
    crashes: [],
    level: 0,
    restarts: 0,
    looping: false,
    queuedUntil: 0,
    bootFailures: 0,
    lastFailure: '',
    checkedAt: 0,
    awakeSince: 0,
  };
}

/** The next state, and what is to be done, in that order. */
export function decide(state: State, event: Event, now: number): [State, Action[]] {
  if (state.phase === 'ended') return [state, []];
  const turn = new Turn(state, now);
  turn.take(event);
  turn.settle();
  return [turn.state, turn.actions];
}

/** When there is something to decide although nothing happens; null: never. */
export function nextDeadline(state: State): number | null {
  const { rules, workers, slots, phase } = state;
  if (phase === 'ended') return null;
  const times = workers.flatMap(({ deadline }) => deadline ?? []);
  if (phase === 'running') {
    const isWaiting = (slot: Slot) => !slot.forking && incumbent(state, slot.id) === undefined;
    const waiting = hasFailed(state) ? [] : slots.filter(isWaiting);
    times.push(...waiting.map(({ notBefore }) => notBefore));
    const replacement = outdatedSlot(state);
    if (replacement !== undefined && !isReplacing(state)) times.push(replacement.notBefore);
    if (checksHealth(rules)) times.push(state.checkedAt + checkInterval(rules));
    if (state.looping) times.push(calmAt(state));
    times.push(provenAt(state) ?? Number.POSITIVE_INFINITY);
  }
  const first = Math.min(...times);
  return first === Number.POSITIVE_INFINITY ? null : first;
}

/** How often workers have to show that they live. */
export function checkInterval({ hangTimeout }: Pick<Rules, 'hangTimeout'>): number {
  return hangTimeout === 0 ? CHECK_INTERVAL : Math.max(20, Math.min(CHECK_INTERVAL, hangTimeout / 4));
}

function checksHealth({ hangTimeout, maxRequests, maxMemory }: Rules): boolean {
  return hangTimeout > 0 || maxRequests !== null || maxMemory !== null;
}

function newSlot(id: number): Slot {
  return { id, restarts: 0, forking: false, notBefore: 0, leaving: false };
}

function staying({ slots }: State): readonly Slot[] {
  return slots.filter(({ leaving }) => !leaving);
}

/** The worker that holds a slot: the one that is ready, or else the one that will be. */
function incumbent(state: State, id: number): Worker | undefined {
  const own = state.workers.filter((worker) => worker.id === id);
  return (
    own.find(({ phase }) => phase === 'ready') ??
    own.find(({ phase }) => phase === 'booting') ??
    // Its place is free when it has gone.
    own.find(({ phase }) => phase === 'doomed')
  );
}

/** One at a time: a worker boots beside the one that it will replace. */
function isReplacing({ workers, slots }: State): boolean {
  return (
    slots.some(({ id, forking }) => forking && workers.some((worker) => worker.id === id)) ||
    workers.some(
      ({ id, phase, pid }) =>
        phase === 'booting' &&
        workers.some((other) => other.id === id && other.phase === 'ready' && other.pid !== pid),
    )
  );
}

function isOutdated({ generation }: State, worker: Worker): boolean {
  return worker.phase === 'ready' && (worker.outdated || worker.generation < generation);
}

function outdatedSlot(state: State): Slot | undefined {
  return state.slots
    .filter(({ id }) => state.workers.some((worker) => worker.id === id && isOutdated(state, worker)))
    .sort((one, other) => one.notBefore - other.notBefore)[0];
}

/** Crashes are remembered so long that a loop with the longest delay is still seen as one. */
function memory({ restart: { window, maxDelay, burst } }: Rules): number {
  return Math.max(window, maxDelay * (burst + 2));
}

function calmAt({ rules, crashes }: State): number {
  return (crashes.at(-1) ?? 0) + memory(rules);
}

/** While looping: when a worker will have lived so long that those that still wait need wait no more. */
function provenAt({ looping, workers, slots, crashes, rules }: State): number | undefined {
  if (!looping) return undefined;
  const lastCrash = crashes.at(-1) ?? 0;
  const lived = workers
    .flatMap(({ phase, readyAt }) => (phase === 'ready' && readyAt !== null ? readyAt : []))
    .filter((readyAt) => readyAt >= lastCrash);
  const at = Math.min(...lived) + rules.restart.maxDelay;
  return slots.some(({ notBefore }) => notBefore > at) ? at : undefined;
}

/** It never worked, and not for want of trying. */
function hasFailed({ everReady, bootFailures, rules }: State): boolean {
  return !everReady && bootFailures > rules.restart.burst;
}

export function describeExit({ code, signal }: WorkerExit): string {
  return signal === null ? `exited with status ${code}` : `was killed by ${signal}`;
}

/** Somebody did this to the worker; no code of it is to blame. */
function isFromOutside({ signal }: WorkerExit): boolean {
  return signal === 'SIGKILL' || signal === 'SIGTERM' || signal === 'SIGINT' || signal === 'SIGHUP';
}

function seconds(milliseconds: number): string {
  return `${Number((milliseconds / 1000).toFixed(1))} s`;
}

function plural(count: number, noun: string): string {
  return `${count} ${noun}${count === 1 ? '' : 's'}`;
}

/** One event being dealt with: the state as it becomes, and what is done on the way. */
class Turn {
  state: State;
  readonly actions: Action[] = [];
  readonly #now: number;

  constructor(state: State, now: number) {
    this.state = state;
    this.#now = now;
  }

  take(event: Event): void {
    switch (event.type) {
      case 'start':
        this.#set({ checkedAt: this.#now, awakeSince: this.#now });
        break;
      case 'forked':
        this.#forked(event.id, event.pid, event.chance);
        break;
      case 'fork failed':
        this.#forkFailed(event.id, event.reason, event.killed);
        break;
      case 'ready':
        this.#ready(event.pid);
        break;
      case 'exited':
        this.#exited(event.pid, event.exit, event.wasTold);
        break;
      case 'left note':
        this.#set({ workers: this.state.workers.filter(({ pid }) => pid !== event.pid) });
        break;
      case 'signal':
        this.#signal(event.signal);
        break;
      case 'time':
        this.#time(event.readings);
        break;
    }
  }

  /** What has to be done whatever happened: fill the slots, replace what is outdated, end when all is over. */
  settle(): void {
    this.#noticeCalm();
    this.#fillSlots();
    this.#replaceOne();
    this.#noticeRolled();
    this.#noticeEnd();
  }

  // --- Events ---

  #forked(id: number, pid: number, chance: number): void {
    const slot = this.#slot(id);
    if (slot !== undefined) this.#change(slot, { forking: false });
    const { rules, generation, phase } = this.state;
    const worker: Worker = {
      id,
      pid,
      generation,
      restarts: slot?.restarts ?? 0,
      phase: 'booting',
      startedAt: this.#now,
      readyAt: null,
      deadline: this.#now + rules.bootTimeout,
      maxRequests: jittered(rules, chance),
      outdated: false,
    };
    this.#set({ workers: [...this.state.workers, worker] });
    if (phase !== 'running' || slot === undefined) this.#stop(worker);
  }

  #forkFailed(id: number, reason: string, killed: boolean): void {
    const incomplete = this.#slot(id);
    if (killed && this.state.everReady && incomplete !== undefined) {
      this.#change(incomplete, { forking: false, notBefore: this.#now + KILLED_SPACING });
      return;
    }
    this.#log('error', 'fork failed', `Worker ${id} could not be started: ${reason}`, { worker: id });
    const slot = this.#slot(id);
    if (slot === undefined) return;
    this.#change(slot, { forking: false });
    this.#failedToBoot(`worker ${id} could not be started: ${reason}`);
    if (slot.leaving) this.#remove(slot);
    this.#delayAfterCrash(id);
  }

  #ready(pid: number): void {
    const worker = this.#worker(pid);
    if (worker?.phase !== 'booting') return;
    this.#update(worker, { phase: 'ready', readyAt: this.#now, deadline: null });
    this.#set({ everReady: true });
    this.actions.push({ type: 'worker ready', worker: info(worker) });
    for (const other of this.state.workers) {
      if (other.id === worker.id && other.pid !== pid && other.phase === 'ready') this.#stop(other);
    }
    const slot = this.#slot(worker.id);
    if (slot?.leaving) this.#remove(slot);
    this.#announce();
  }

  #exited(pid: number, exit: WorkerExit, wasTold: boolean): void {
    const worker = this.#worker(pid);
    if (worker === undefined) return;
    this.#set({ workers: this.state.workers.filter((other) => other !== worker) });
    this.actions.push({ type: 'worker exit', worker: info(worker), exit });
    if (this.state.phase !== 'running' || worker.phase === 'stopping') return;
    const slot = this.#slot(worker.id);
    // It has had its chance.
    if (slot?.leaving && worker.phase !== 'doomed') this.#remove(slot);
    // One that dies while it boots is to blame, unless others have shown that it need not.
    const isUnblamed = worker.phase === 'ready' || (worker.phase === 'booting' && this.state.everReady);
    if (isUnblamed && (wasTold || isFromOutside(exit))) this.#wasKilled(worker, exit);
    else this.#crashed(worker, exit);
  }

  #signal(signal: ManagerSignal): void {
    const running = this.state.phase === 'running';
    switch (signal) {
      case 'SIGTERM':
      case 'SIGINT':
        if (running) this.#shutDown(signal, 0);
        // Asked for again by somebody who sits at the terminal: now.
        else if (signal === 'SIGINT') this.#killAll('SIGINT came again: ending at once');
        break;
      case 'SIGQUIT':
        this.#quit();
        break;
      case 'SIGUSR1':
        this.actions.push({ type: 'reopen logs' });
        this.#log('info', 'logs reopened', 'SIGUSR1: the log files are opened anew');
        break;
      case 'SIGHUP':
        if (running) this.#roll();
        break;
      case 'SIGTTIN':
        if (running) this.#grow();
        break;
      case 'SIGTTOU':
        if (running) this.#shrink();
        break;
    }
  }

  #quit(): void {
    if (this.state.phase === 'running') this.actions.push({ type: 'stop listening' });
    this.#set({ phase: 'stopping' });
    this.#killAll('SIGQUIT: ending at once');
  }

  #roll(): void {
    this.#set({ generation: this.state.generation + 1, rolling: true });
    this.#log(
      'info',
      'rolling replacement',
      `SIGHUP: replacing ${plural(staying(this.state).length, 'worker')}, each when a new one is ready`,
    );
  }

  #time(readings: ReadonlyMap<number, Reading>): void {
    this.#noticeSleep();
    for (const worker of this.state.workers) this.#enforceDeadline(worker);
    for (const worker of this.state.workers) {
      const reading = readings.get(worker.pid);
      if (worker.phase === 'ready' && reading !== undefined) this.#examine(worker, reading);
    }
  }

  // --- The life of a worker ---

  #enforceDeadline(worker: Worker): void {
    if (worker.deadline === null || worker.deadline > this.#now) return;
    const { rules } = this.state;
    if (worker.phase === 'booting') {
      this.#logWorker(
        'error',
        'boot timeout',
        worker,
        `was not ready after ${seconds(rules.bootTimeout)}: killed`,
      );
    } else if (worker.phase === 'stopping') {
      this.#logWorker(
        'warning',
        'graceful timeout',
        worker,
        `had not finished after ${seconds(rules.gracefulTimeout)}: killed`,
      );
    }
    this.#kill(worker);
  }

  #examine(worker: Worker, { beat, requests, privateMemory }: Reading): void {
    const { rules, awakeSince } = this.state;
    const stoodStill = this.#now - Math.max(beat, awakeSince, worker.readyAt ?? 0);
    if (rules.hangTimeout > 0 && stoodStill > rules.hangTimeout) {
      this.#logWorker(
        'error',
        'worker hangs',
        worker,
        `has not turned its event loop for ${seconds(stoodStill)}: it is made to say where, then killed`,
      );
      this.actions.push({ type: 'report stack', pid: worker.pid });
      this.#update(worker, { phase: 'doomed', deadline: this.#now + REPORT_TIME });
    } else if (worker.outdated) {
      return;
    } else if (worker.maxRequests !== null && requests >= worker.maxRequests) {
      this.#recycle(worker, `has served ${requests} requests`);
    } else if (rules.maxMemory !== null && privateMemory > rules.maxMemory) {
      this.#recycle(worker, `has ${Math.round(privateMemory / 2 ** 20)} MiB of its own`);
    }
  }

  #recycle(worker: Worker, why: string): void {
    this.#logWorker('info', 'worker recycled', worker, `${why}: replacing it`);
    this.#update(worker, { outdated: true });
  }

  #stop(worker: Worker): void {
    this.actions.push({ type: 'kill', pid: worker.pid, signal: 'SIGTERM' });
    this.#update(worker, { phase: 'stopping', deadline: this.#now + this.state.rules.gracefulTimeout });
  }

  #kill(worker: Worker): void {
    this.actions.push({ type: 'kill', pid: worker.pid, signal: 'SIGKILL' });
    // Whoever is to be replaced by now has gone for good: not even then is it a crash.
    const phase = worker.phase === 'stopping' ? 'stopping' : 'doomed';
    this.#update(worker, { phase, deadline: null });
  }

  #wasKilled(worker: Worker, exit: WorkerExit): void {
    this.#logWorker(
      'warning',
      'worker killed',
      worker,
      `${describeExit(exit)}, from outside: starting it again`,
    );
    const slot = this.#slot(worker.id);
    if (slot === undefined) return;
    this.#change(slot, {
      restarts: slot.restarts + 1,
      notBefore: Math.max(this.#now, worker.startedAt + KILLED_SPACING),
    });
  }

  // --- Crashes ---

  #crashed(worker: Worker, exit: WorkerExit): void {
    const before = worker.readyAt === null ? ' before it was ready' : '';
    const end = worker.phase === 'doomed' ? `had to be killed${before}` : `${describeExit(exit)}${before}`;
    const what = `worker ${worker.id} (pid ${worker.pid}) ${end}`;
    if (worker.readyAt === null) this.#failedToBoot(what);
    if (this.#slot(worker.id) === undefined) return;
    const wasLooping = this.state.looping;
    const delay = this.#delayAfterCrash(worker.id);
    // Whoever has failed for good says why at the end.
    if (this.state.phase !== 'running' || wasLooping || hasFailed(this.state)) return;
    if (!this.state.looping) {
      if (worker.phase !== 'doomed') {
        this.#logWorker(
          'error',
          'worker crashed',
          worker,
          `${describeExit(exit)}${before}: starting it again`,
        );
      }
      return;
    }
    const { rules, crashes } = this.state;
    this.#log(
      'error',
      'crash loop',
      `CRASH LOOP: ${plural(crashes.length, 'crash').replace(/hs$/, 'hes')} in the last ` +
        `${seconds(this.#now - (crashes[0] ?? this.#now))}; the latest: ${what}. Workers are now started again one at ` +
        `a time, the next in ${seconds(delay)}, then at growing intervals of up to ${seconds(rules.restart.maxDelay)}. ` +
        'Further crashes are not logged until this is over',
    );
  }

  /** Notes the crash, and when its slot may have the next worker. Answers in how many milliseconds that is. */
  #delayAfterCrash(id: number): number {
    const { rules, queuedUntil, restarts } = this.state;
    const { burst, minDelay, maxDelay, limit } = rules.restart;
    const crashes = [...this.state.crashes.filter((at) => at > this.#now - memory(rules)), this.#now];
    const looping =
      this.state.looping || crashes.filter((at) => at > this.#now - rules.restart.window).length > burst;
    const level = looping ? this.state.level + 1 : 0;
    const delay = looping ? Math.min(minDelay * 2 ** Math.min(level - 1, 40), maxDelay) : 0;
    // In a loop one worker at a time: the crash of each is the answer for all.
    const notBefore = looping ? Math.max(this.#now, queuedUntil) + delay : this.#now;
    this.#set({ crashes, looping, level, restarts: restarts + 1, queuedUntil: looping ? notBefore : 0 });
    const slot = this.#slot(id);
    if (slot !== undefined) this.#change(slot, { restarts: slot.restarts + 1, notBefore });
    if (limit !== null && restarts + 1 > limit && this.state.phase === 'running') {
      this.#log(
        'error',
        'too many restarts',
        `Workers have crashed more than ${plural(limit, 'time')}: giving up`,
      );
      this.#shutDown(null, 1);
    }
    return notBefore - this.#now;
  }

  #failedToBoot(what: string): void {
    this.#set({ bootFailures: this.state.bootFailures + 1, lastFailure: what });
  }

  /** The loop is over when there has been no crash for long; its delays, when a worker has lived through the longest. */
  #noticeCalm(): void {
    const { looping, crashes, phase } = this.state;
    if (!looping || phase !== 'running') return;
    if (calmAt(this.state) <= this.#now) {
      this.#set({ looping: false, level: 0, crashes: [], queuedUntil: 0 });
      this.#log(
        'info',
        'crash loop over',
        `No worker has crashed for ${seconds(this.#now - (crashes.at(-1) ?? 0))}: the crash loop is over`,
      );
    }
    const proven = provenAt(this.state);
    if (proven === undefined || proven > this.#now) return;
    this.#set({
      queuedUntil: proven,
      slots: this.state.slots.map((slot) => ({ ...slot, notBefore: Math.min(slot.notBefore, proven) })),
    });
  }

  // --- How many ---

  #grow(): void {
    const leaving = this.state.slots.find((slot) => slot.leaving);
    if (leaving === undefined) this.#add();
    else this.#change(leaving, { leaving: false });
    this.#log('info', 'one worker more', `SIGTTIN: ${plural(staying(this.state).length, 'worker')}`);
  }

  #add(): void {
    const used = new Set(this.state.slots.map(({ id }) => id));
    let id = 0;
    while (used.has(id)) id += 1;
    this.#set({ slots: [...this.state.slots, newSlot(id)].sort((one, other) => one.id - other.id) });
  }

  #shrink(): void {
    const [last, ...others] = staying(this.state).toReversed();
    if (last === undefined || others.length === 0) {
      this.#log('warning', 'one worker fewer', 'SIGTTOU: the last worker stays');
      return;
    }
    const phase = incumbent(this.state, last.id)?.phase;
    const isServed = phase === 'ready' || phase === 'booting';
    if (isServed || !this.state.rules.balanced) this.#remove(last);
    else this.#change(last, { leaving: true });
    this.#log('info', 'one worker fewer', `SIGTTOU: ${plural(others.length, 'worker')}`);
  }

  #remove({ id }: Slot): void {
    this.#set({ slots: this.state.slots.filter((slot) => slot.id !== id) });
    this.actions.push({ type: 'close queue', id });
    for (const worker of this.state.workers) {
      if (worker.id === id && worker.phase !== 'stopping' && worker.phase !== 'doomed') this.#stop(worker);
    }
  }

  #fillSlots(): void {
    if (this.state.phase !== 'running' || hasFailed(this.state)) return;
    for (const slot of this.state.slots) {
      if (slot.forking || slot.notBefore > this.#now || incumbent(this.state, slot.id) !== undefined)
        continue;
      this.#fork(slot);
    }
  }

  #replaceOne(): void {
    if (this.state.phase !== 'running' || isReplacing(this.state)) return;
    const slot = outdatedSlot(this.state);
    if (slot !== undefined && slot.notBefore <= this.#now) this.#fork(slot);
  }

  #fork(slot: Slot): void {
    const { id, restarts } = slot;
    this.#change(slot, { forking: true });
    this.actions.push({ type: 'fork', id, generation: this.state.generation, restarts });
  }

  #announce(): void {
    const { announced, workers } = this.state;
    const wanted = staying(this.state).length;
    if (announced || workers.filter(({ phase }) => phase === 'ready').length < wanted) return;
    this.#set({ announced: true });
    this.#log('info', 'ready', `${plural(wanted, 'worker')} ready`);
  }

  #noticeRolled(): void {
    const { rolling, phase, generation, workers } = this.state;
    if (!rolling || phase !== 'running') return;
    const isNew = (id: number) =>
      workers.some(
        (worker) => worker.id === id && worker.phase === 'ready' && worker.generation === generation,
      );
    if (!staying(this.state).every(({ id }) => isNew(id))) return;
    this.#set({ rolling: false });
    this.#log('info', 'rolled', `Every worker has been replaced (generation ${generation})`);
  }

  // --- The end ---

  #shutDown(signal: ManagerSignal | null, status: number): void {
    const { workers, rules } = this.state;
    if (signal !== null) {
      this.#log(
        'info',
        'stopping',
        `${signal}: ending when all requests are answered, in ${seconds(rules.gracefulTimeout)} at the latest`,
      );
    }
    this.#set({ phase: 'stopping', status });
    this.actions.push({ type: 'stop listening' });
    for (const worker of workers) {
      if (worker.phase === 'booting' || worker.phase === 'ready') this.#stop(worker);
    }
  }

  #killAll(message: string): void {
    this.#log('info', 'ending at once', message);
    for (const worker of this.state.workers) this.#kill(worker);
  }

  #noticeEnd(): void {
    const { phase, workers, status, lastFailure, slots } = this.state;
    if (workers.length > 0 || slots.some(({ forking }) => forking)) return;
    if (phase === 'stopping') {
      this.#log('info', 'ended', 'All workers have ended');
      this.#end(status);
    } else if (hasFailed(this.state)) {
      this.#log('error', 'no worker became ready', `No worker became ready: ${lastFailure}`);
      this.#end(1);
    }
  }

  #end(status: number): void {
    this.#set({ phase: 'ended', status });
    this.actions.push({ type: 'end', status });
  }

  /** Suspended or frozen, together with its workers: they, too, have yet to wake. */
  #noticeSleep(): void {
    const { rules, checkedAt } = this.state;
    const late = this.#now - (checkedAt + checkInterval(rules));
    this.#set({ checkedAt: this.#now });
    if (late > Math.max(CHECK_INTERVAL, rules.hangTimeout / 2)) this.#set({ awakeSince: this.#now });
  }

  // --- Small change ---

  #set(changes: Partial<State>): void {
    this.state = { ...this.state, ...changes };
  }

  #slot(id: number): Slot | undefined {
    return this.state.slots.find((slot) => slot.id === id);
  }

  #worker(pid: number): Worker | undefined {
    return this.state.workers.find((worker) => worker.pid === pid);
  }

  #change({ id }: Slot, changes: Partial<Slot>): void {
    this.#set({
      slots: this.state.slots.map((slot) => (slot.id === id ? { ...slot, ...changes } : slot)),
    });
  }

  #update({ pid }: Worker, changes: Partial<Worker>): void {
    this.#set({
      workers: this.state.workers.map((worker) => (worker.pid === pid ? { ...worker, ...changes } : worker)),
    });
  }

  #log(
    level: LogEntry['level'],
    event: string,
    message: string,
    about: { worker?: number; pid?: number } = {},
  ): void {
    this.actions.push({ type: 'log', entry: { level, event, message, ...about } });
  }

  #logWorker(level: LogEntry['level'], event: string, { id, pid }: Worker, what: string): void {
    this.#log(level, event, `Worker ${id} (pid ${pid}) ${what}`, { worker: id, pid });
  }
}

function info({ id, pid, generation, restarts }: Worker): WorkerInfo {
  return { id, pid, generation, restarts };
}

function jittered({ maxRequests, maxRequestsJitter }: Rules, chance: number): number | null {
  return maxRequests === null ? null : maxRequests + Math.floor(maxRequests * maxRequestsJitter * chance);
}
