/** The driver: tells the policy what happens, and does what it says. */
import { constants } from 'node:os';
import { binding } from '../../base/binding';
import { check } from '../../base/errors';
import { forkFrom } from '../../fork/fork';
import { runSignalListeners } from '../../wait/signals';
import { WEXITSTATUS, WIFSIGNALED, WTERMSIG } from '../../wait/status';
import {
  type Action,
  decide,
  type Event,
  initialState,
  type ManagerSignal,
  nextDeadline,
  type Reading,
  type Rules,
  type State,
} from '../policy';
import { askToReopenLogs, freeRow, monotonic, type Row, reopenCount } from '../scoreboard';
import type { Hooks, Log, WorkerExit, WorkerInfo } from '../settings';
import { askForStack } from '../worker/stack-report';
import { callInParent } from './hooks';

/** What a worker finds when `supervise` returns in it. */
export interface Place {
  worker: WorkerInfo;
  row: Row;
  parent: number;
  /** Signals that came to it before it could listen for them. */
  early: NodeJS.Signals[];
  /** How often log files had been opened anew when it was forked. */
  reopened: number;
}

/** What the driver does not know how to do itself. */
export interface Duties {
  log: Log;
  hooks: Hooks;
  /** Called before each fork, for worker `id`. */
  prepare(id: number): void;
  stopListening(): void;
  /** False if worker `id` has none of its own. */
  closeQueue(id: number): boolean;
  reopenLogs(): void;
  /** A worker has ended because it needs something of the parent (later-listens.ts). */
  readNote(): void;
  /** The last thing before the process ends. */
  cleanUp(): void;
}

const SIGNALS: readonly ManagerSignal[] = [
  'SIGQUIT',
  'SIGTERM',
  'SIGINT',
  'SIGHUP',
  'SIGTTIN',
  'SIGTTOU',
  'SIGUSR1',
];

/** EX_SOFTWARE of sysexits.h. */
const INTERNAL_ERROR = 70;

/**
 * From now on this process notes the signals that it is to obey, until `supervise` does. So it does with those that have
 * `arrived` and were not delivered, as the loop has had no turn: each worker would inherit them. Of the others the
 * application hears here and now.
 */
export function beginSupervising(arrived: readonly number[]): void {
  const numbers = [...SIGNALS, 'SIGCHLD' as const].map((name) => constants.signals[name]);
  check(binding.supervise_begin(Int32Array.from(numbers)), 'sigaction');
  for (const signal of arrived) {
    if (numbers.includes(signal)) process.kill(process.pid, signal);
    else runSignalListeners(signal);
  }
}

/**
 * Starts the workers and looks after them, after `beginSupervising`. Returns in each worker only: the parent spends the
 * rest of its life in here, where no code of the application runs and its event loop does not turn, and ends in here.
 */
export function supervise(rules: Rules, duties: Duties): Place {
  const driver = new Driver(rules, duties);
  try {
    return driver.run();
  } catch (error) {
    // Not to be thrown into the application, which would go on in the parent.
    duties.log({
      level: 'error',
      event: 'manager_failed',
      message: `Internal error in the parent; it and its workers end: ${error instanceof Error ? error.stack : error}`,
    });
    duties.cleanUp();
    return binding.process_exit(INTERNAL_ERROR);
  }
}

class Driver {
  readonly #duties: Duties;
  readonly #rows = new Map<number, Row>();
  readonly #announced = new Set<number>();
  readonly #queue: Event[] = [];
  readonly #parent = binding.process_getpid();
  /** At least once: since then nothing but hooks has run in here. */
  #forked = false;
  #state: State;

  constructor(rules: Rules, duties: Duties) {
    this.#duties = duties;
    this.#state = initialState(rules);
  }

  run(): Place {
    this.#queue.push({ type: 'start' });
    for (;;) {
      const place = this.#work();
      if (place !== undefined) return place;
      this.#look(binding.supervise_wait(this.#timeToSleep()));
    }
  }

  /** Until nothing is left to do; earlier, with its place, in a new worker. */
  #work(): Place | undefined {
    for (let event = this.#queue.shift(); event !== undefined; event = this.#queue.shift()) {
      const [state, actions] = decide(this.#state, event, monotonic());
      this.#state = state;
      for (const action of actions) {
        const place = this.#do(action);
        if (place !== undefined) return place;
      }
    }
    return undefined;
  }

  #timeToSleep(): number {
    const deadline = nextDeadline(this.#state);
    if (deadline === null) return -1;
    return Math.min(Math.max(0, Math.ceil(deadline - monotonic())), 2 ** 31 - 1);
  }

  // --- What happens ---

  #look(arrived: number): void {
    this.#noticeReady();
    this.#reap();
    for (const signal of SIGNALS) {
      if ((arrived & (1 << constants.signals[signal])) !== 0) this.#queue.push({ type: 'signal', signal });
    }
    this.#queue.push({ type: 'time', readings: this.#read() });
  }

  #noticeReady(): void {
    for (const [pid, row] of this.#rows) {
      if (this.#announced.has(pid) || !row.hasBeenReady) continue;
      this.#announced.add(pid);
      this.#queue.push({ type: 'ready', pid });
    }
  }

  /** As process 1 also what others have left behind: those pids are nobody's. */
  #reap(): void {
    const status = new Int32Array(1);
    for (;;) {
      const pid = binding.supervise_reap(status);
      if (pid <= 0) return;
      const row = this.#rows.get(pid);
      if (row === undefined) continue;
      if (row.get('hasLeftNote') === 1) {
        this.#duties.readNote();
        this.#queue.push({ type: 'left note', pid });
      } else {
        this.#queue.push({ type: 'exited', pid, exit: exitOf(status[0] ?? 0), wasTold: row.isStopping });
      }
      row.free();
      this.#rows.delete(pid);
      this.#announced.delete(pid);
    }
  }

  #read(): Map<number, Reading> {
    const readings = new Map<number, Reading>();
    for (const [pid, row] of this.#rows) {
      const [beat, requests, privateMemory] = [
        row.get('beat'),
        row.get('requests'),
        row.get('privateMemory'),
      ];
      readings.set(pid, { beat, requests, privateMemory });
    }
    return readings;
  }

  // --- What is done ---

  #do(action: Action): Place | undefined {
    switch (action.type) {
      case 'fork':
        return this.#fork(action);
      case 'kill':
        this.#kill(action.pid, action.signal);
        break;
      case 'report stack':
        askForStack(this.#rows.get(action.pid));
        break;
      case 'worker ready':
        this.#call('workerReady', () => this.#duties.hooks.workerReady?.(action.worker));
        break;
      case 'worker exit':
        this.#call('workerExit', () => this.#duties.hooks.workerExit?.(action.worker, action.exit));
        break;
      case 'stop listening':
        this.#duties.stopListening();
        for (const row of this.#rows.values()) {
          row.askToDrain();
          row.tellOfEnd();
        }
        break;
      case 'close queue':
        if (this.#duties.closeQueue(action.id)) this.#askToDrain(action.id);
        break;
      case 'reopen logs':
        this.#duties.reopenLogs();
        askToReopenLogs();
        break;
      case 'log':
        this.#duties.log(action.entry);
        break;
      case 'end':
        this.#duties.cleanUp();
        binding.process_exit(action.status);
    }
    return undefined;
  }

  #fork({ id, generation, restarts }: Action & { type: 'fork' }): Place | undefined {
    const row = freeRow();
    // Asked before the fork: what is reopened from now on, the child has not seen.
    const reopened = reopenCount();
    let pid: number;
    try {
      if (row === undefined) throw new Error('too many workers');
      row.take({ id, generation, restarts });
      this.#duties.prepare(id);
      // Only a hook can have begun something here, and of that the log has told.
      pid = forkFrom((error) => this.#hookFailed(error), { allowInFlight: this.#forked });
    } catch (error) {
      row?.free();
      const reason = error instanceof Error ? error.message : String(error);
      const { code } = error as NodeJS.ErrnoException;
      this.#queue.push({ type: 'fork failed', id, reason, killed: code === 'ERR_PREFORK_CHILD_KILLED' });
      return undefined;
    }
    if (pid === 0) {
      /* child */
      const early = signalsIn(binding.supervise_end());
      const own = binding.process_getpid();
      row.set('pid', own);
      return { worker: { id, pid: own, generation, restarts }, row, parent: this.#parent, early, reopened };
    }
    /* parent */
    this.#forked = true;
    row.set('pid', pid);
    this.#rows.set(pid, row);
    const worker = { id, pid, generation, restarts };
    this.#queue.push({ type: 'forked', worker, chance: Math.random() });
    return undefined;
  }

  /** Thrown later it would be queued for a tick that only workers have, each of those that are forked from now on. */
  #hookFailed(error: unknown): void {
    const message = `A hook of registerAtFork threw in afterInParent: ${error instanceof Error ? error.stack : error}`;
    this.#duties.log({ level: 'error', event: 'hook_failed', message });
  }

  #askToDrain(id: number): void {
    for (const row of this.#rows.values()) if (row.get('id') === id) row.askToDrain();
  }

  /** It has not been reaped, so that the number is still its own. */
  #kill(pid: number, signal: 'SIGTERM' | 'SIGKILL'): void {
    try {
      process.kill(pid, signal);
    } catch (error) {
      this.#duties.log({
        level: 'error',
        event: 'kill_failed',
        message: `Cannot send ${signal} to worker process ${pid}: ${String(error)}`,
        pid,
      });
    }
  }

  #call(name: keyof Hooks, hook: () => unknown): void {
    try {
      callInParent(name, hook, this.#duties.log);
    } catch (error) {
      this.#duties.log({
        level: 'error',
        event: 'hook_failed',
        message: `The hook ${name} threw: ${error instanceof Error ? error.stack : error}`,
      });
    }
  }
}

function exitOf(status: number): WorkerExit {
  if (!WIFSIGNALED(status)) return { code: WEXITSTATUS(status), signal: null };
  return { code: null, signal: signalName(WTERMSIG(status)) };
}

function signalName(number: number): NodeJS.Signals {
  const found = Object.entries(constants.signals).find(([, each]) => each === number);
  return (found?.[0] ?? `SIG${number}`) as NodeJS.Signals;
}

function signalsIn(bits: number): NodeJS.Signals[] {
  return SIGNALS.filter((name) => (bits & (1 << constants.signals[name])) !== 0);
}
