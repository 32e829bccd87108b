/** The policy decides the same in the same situation; here it is asked without any process, in simulated time. */
import { expect } from 'vitest';
import {
  type Action,
  decide,
  type Event,
  handedState,
  initialState,
  type ManagerSignal,
  nextDeadline,
  type Reading,
  type Rules,
  type State,
  stateFrom,
} from '../../../lib/manager/policy';
import type { WorkerExit } from '../../../lib/manager/settings';

export const RULES: Rules = {
  workers: 3,
  gracefulTimeout: 30_000,
  bootTimeout: 60_000,
  hangTimeout: 30_000,
  restart: { burst: 3, window: 60_000, minDelay: 500, maxDelay: 15_000, limit: null },
  maxRequests: null,
  maxRequestsJitter: 0.1,
  maxMemory: null,
  balanced: false,
  rehearses: false,
};

export const KILLED: WorkerExit = { code: null, signal: 'SIGKILL' };
export const CRASHED: WorkerExit = { code: 1, signal: null };
export const DONE: WorkerExit = { code: 0, signal: null };

export interface Process {
  pid: number;
  id: number;
  generation: number;
  startedAt: number;
  ready: boolean;
  /** It has been sent these. */
  signals: string[];
  reading: Reading;
}

/** How simulated workers behave: null is never. Milliseconds after the start, and after SIGTERM. */
interface Behaviour {
  readyAfter: number | null;
  /** They do not listen there yet, where those that they replace do. */
  lacks?: readonly string[];
  crashAfter: number | null;
  stopAfter: number | null;
  beats: boolean;
}
export const HEALTHY: Behaviour = { readyAfter: 10, crashAfter: null, stopAfter: 5, beats: true };

function verdict(can: boolean): Event {
  return can ? { type: 'successor can start' } : { type: 'successor cannot start', why: 'it is too old' };
}

/** The world: processes, a clock, and what has been said. */
export class World {
  now = 1_000;
  state: State;
  readonly processes = new Map<number, Process>();
  readonly actions: Action[] = [];
  readonly #termAt = new Map<number, number>();
  #nextPid = 100;
  behaviour: Behaviour = HEALTHY;
  forksFail = false;
  /** What comes of a configuration that is read. */
  configuring: (generation: number) => Event[] = (generation) => [
    { type: 'configured', generation, rules: this.rules },
  ];
  /** What comes of an application that is loaded. */
  loading: (generation: number) => Event[] = (generation) => [
    { type: 'loaded', generation, rules: this.rules },
  ];
  /** What comes of a program that is to take over: in its trial, and when it is to become this process. */
  successor: { trial: boolean | null; takesOver: boolean } = { trial: true, takesOver: true };
  rules: Rules;
  /** Forks take a while: what comes of them stands here until `endForks()`. */
  forksUnderWay: Event[] | null = null;
  chance = 0;

  constructor(
    rules: Partial<Rules> = {},
    conditions: Partial<Pick<World, 'forksFail' | 'chance' | 'configuring' | 'loading'>> = {},
  ) {
    Object.assign(this, conditions);
    this.rules = { ...RULES, ...rules };
    this.state = initialState(this.rules);
    this.send({ type: 'start' });
  }

  send(event: Event): void {
    const queue = [event];
    for (let next = queue.shift(); next !== undefined; next = queue.shift()) {
      const [state, actions] = decide(this.state, next, this.now);
      this.state = state;
      for (const action of actions) queue.push(...this.#perform(action));
    }
  }

  #perform(action: Action): Event[] {
    this.actions.push(action);
    switch (action.type) {
      case 'configure':
        return this.configuring(action.generation);
      case 'load':
        return this.loading(action.generation);
      case 'unload':
        return [
          ...this.#forksOf(action.generation),
          { type: 'template exited', generation: action.generation, exit: KILLED },
        ];
      case 'fork': {
        if (this.state.phase !== 'running') throw new Error('It forks although it is ending');
        const pid = this.#nextPid++;
        const { id, generation, restarts } = action;
        if (this.forksFail) return [{ type: 'fork failed', id, generation, reason: 'EAGAIN', killed: false }];
        const reading = { beat: this.now, requests: 0, privateMemory: 0 };
        this.processes.set(pid, {
          pid,
          id,
          generation,
          startedAt: this.now,
          ready: false,
          signals: [],
          reading,
        });
        const forked: Event = {
          type: 'forked',
          worker: { id, pid, generation, restarts },
          chance: this.chance,
        };
        this.forksUnderWay?.push(forked);
        return this.forksUnderWay === null ? [forked] : [];
      }
      case 'kill': {
        const process = this.processes.get(action.pid);
        if (process === undefined) throw new Error(`It signals ${action.pid}, which is gone`);
        process.signals.push(action.signal);
        if (action.signal === 'SIGTERM') this.#termAt.set(action.pid, this.now);
        return [];
      }
      case 'try successor':
        return this.successor.trial === null ? [] : [verdict(this.successor.trial)];
      case 'hand over':
        if (!this.successor.takesOver) return [verdict(false)];
        this.state = stateFrom(handedState(this.state), this.rules);
        return [{ type: 'taken over' }];
      default:
        return [];
    }
  }

  /** Nothing comes of them: their template has ended. */
  #forksOf(generation: number): Event[] {
    const lost = (this.forksUnderWay ?? []).flatMap((event) =>
      event.type === 'forked' && event.worker.generation === generation ? [event] : [],
    );
    this.forksUnderWay = this.forksUnderWay?.filter((event) => !lost.some((each) => each === event)) ?? null;
    return lost.map(({ worker: { id, pid } }) => {
      this.processes.delete(pid);
      return { type: 'fork failed', id, generation, reason: 'its template has ended', killed: true };
    });
  }

  endForks(): void {
    const events = this.forksUnderWay ?? [];
    this.forksUnderWay = null;
    // Only now does it go on.
    for (const process of this.processes.values()) {
      const isNew = events.some((event) => event.type === 'forked' && event.worker.pid === process.pid);
      if (isNew) Object.assign(process, { startedAt: this.now, ready: false });
    }
    for (const event of events) this.send(event);
  }

  signal(signal: ManagerSignal): void {
    this.send({ type: 'signal', signal });
  }

  exit(pid: number, exit: WorkerExit, wasTold = false): void {
    this.processes.delete(pid);
    this.send({ type: 'exited', pid, exit, wasTold });
  }

  /** Lets time go by, up to `milliseconds`, from one thing that happens to the next. */
  pass(milliseconds: number): void {
    const end = this.now + milliseconds;
    for (let step = 0; this.state.phase !== 'ended'; step++) {
      if (step > 20_000) throw new Error('Time does not go on');
      const next = Math.min(end, this.#nextInWorld(), nextDeadline(this.state) ?? end);
      const arrived = next >= end && this.#nextInWorld() > end && (nextDeadline(this.state) ?? end + 1) > end;
      this.now = Math.max(this.now, next);
      this.#happen();
      this.send({ type: 'time', readings: this.#readings() });
      if ((nextDeadline(this.state) ?? Infinity) <= this.now) throw new Error('It does not sleep');
      if (arrived) break;
    }
    this.now = Math.max(this.now, end);
  }

  #times({
    pid,
    startedAt,
    ready,
    signals,
  }: Process): { at: number; what: 'ready' | 'crash' | 'stop' | 'die' }[] {
    const { readyAfter, crashAfter, stopAfter } = this.behaviour;
    if (signals.includes('SIGKILL')) return [{ at: this.now, what: 'die' }];
    const termAt = this.#termAt.get(pid);
    return [
      ...(readyAfter !== null && !ready ? [{ at: startedAt + readyAfter, what: 'ready' as const }] : []),
      ...(crashAfter !== null ? [{ at: startedAt + crashAfter, what: 'crash' as const }] : []),
      ...(termAt !== undefined && stopAfter !== null
        ? [{ at: termAt + stopAfter, what: 'stop' as const }]
        : []),
    ];
  }

  #nextInWorld(): number {
    return Math.min(
      Infinity,
      ...[...this.processes.values()].flatMap((each) => this.#times(each)).map(({ at }) => at),
    );
  }

  #happen(): void {
    for (const process of [...this.processes.values()]) {
      const due = this.#times(process).filter(({ at }) => at <= this.now);
      for (const { what } of due) {
        if (!this.processes.has(process.pid)) break;
        if (what === 'ready') {
          process.ready = true;
          this.send({ type: 'ready', pid: process.pid, lacks: this.behaviour.lacks ?? [] });
        } else {
          this.exit(
            process.pid,
            what === 'die' ? KILLED : what === 'crash' ? CRASHED : DONE,
            what === 'stop',
          );
        }
      }
    }
  }

  #readings(): Map<number, Reading> {
    for (const { reading } of this.processes.values()) if (this.behaviour.beats) reading.beat = this.now;
    return new Map([...this.processes.values()].map(({ pid, reading }) => [pid, reading]));
  }

  ready(): Process[] {
    return [...this.processes.values()].filter(({ ready, signals }) => ready && signals.length === 0);
  }

  ids(): number[] {
    return this.ready()
      .map(({ id }) => id)
      .sort((one, other) => one - other);
  }

  logs(event?: string): string[] {
    return this.actions.flatMap((action) =>
      action.type === 'log' && (event === undefined || action.entry.event === event)
        ? action.entry.message
        : [],
    );
  }

  count(type: Action['type']): number {
    return this.actions.filter((action) => action.type === type).length;
  }

  any(): Process {
    const [first] = this.ready();
    if (first === undefined) throw new Error('nobody is ready');
    return first;
  }
}

/** A world in which every worker is ready. */
export function running(rules: Partial<Rules> = {}): World {
  const world = new World(rules);
  world.pass(100);
  expect(world.ready()).toHaveLength(world.state.slots.length);
  return world;
}
