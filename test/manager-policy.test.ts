/** The policy decides the same in the same situation; here it is asked without any process, in simulated time. */
import { describe, expect, test } from 'vitest';
import {
  type Action,
  decide,
  type Event,
  initialState,
  type ManagerSignal,
  nextDeadline,
  REPORT_TIME,
  type Reading,
  type Rules,
  type State,
} from '../lib/manager/policy';
import type { WorkerExit } from '../lib/manager/settings';

const RULES: Rules = {
  workers: 3,
  gracefulTimeout: 30_000,
  bootTimeout: 60_000,
  hangTimeout: 30_000,
  restart: { burst: 3, window: 60_000, minDelay: 500, maxDelay: 15_000, limit: null },
  maxRequests: null,
  maxRequestsJitter: 0.1,
  maxMemory: null,
  balanced: false,
};

const KILLED: WorkerExit = { code: null, signal: 'SIGKILL' };
const CRASHED: WorkerExit = { code: 1, signal: null };
const DONE: WorkerExit = { code: 0, signal: null };

interface Process {
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
  crashAfter: number | null;
  stopAfter: number | null;
  beats: boolean;
}
const HEALTHY: Behaviour = { readyAfter: 10, crashAfter: null, stopAfter: 5, beats: true };

/** The world: processes, a clock, and what has been said. */
class World {
  now = 1_000;
  state: State;
  readonly processes = new Map<number, Process>();
  readonly actions: Action[] = [];
  readonly #termAt = new Map<number, number>();
  #nextPid = 100;
  behaviour: Behaviour = HEALTHY;
  forksFail = false;
  /** Forks take a while: what comes of them stands here until `endForks()`. */
  forksUnderWay: Event[] | null = null;
  chance = 0;

  constructor(rules: Partial<Rules> = {}, conditions: { forksFail?: boolean; chance?: number } = {}) {
    Object.assign(this, conditions);
    this.state = initialState({ ...RULES, ...rules });
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
      case 'fork': {
        if (this.state.phase !== 'running') throw new Error('It forks although it is ending');
        if (this.forksFail) return [{ type: 'fork failed', id: action.id, reason: 'EAGAIN', killed: false }];
        const pid = this.#nextPid++;
        const { id, generation, restarts } = action;
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
      default:
        return [];
    }
  }

  endForks(): void {
    const events = this.forksUnderWay ?? [];
    this.forksUnderWay = null;
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
          this.send({ type: 'ready', pid: process.pid });
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

function running(rules: Partial<Rules> = {}): World {
  const world = new World(rules);
  world.pass(100);
  expect(world.ready()).toHaveLength(world.state.slots.length);
  return world;
}

describe('starting', () => {
  test('One worker is forked for each id, and it is announced once that all are ready.', () => {
    const world = running();
    expect(world.ids()).toEqual([0, 1, 2]);
    expect(world.logs('ready')).toEqual(['3 workers ready']);
    expect(world.count('worker ready')).toBe(3);
  });

  test('A worker that has left a note is forked anew at once, and that is no crash.', () => {
    const world = new World({ workers: 1 }, {});
    const [worker] = [...world.processes.values()] as [Process];
    world.processes.delete(worker.pid);
    world.send({ type: 'left note', pid: worker.pid });
    const [again, ...others] = [...world.processes.values()];
    expect(again).toMatchObject({ id: 0, generation: 0, startedAt: world.now });
    expect(others).toEqual([]);
    expect(world.state).toMatchObject({ crashes: [], restarts: 0, bootFailures: 0 });
    expect(world.actions.filter(({ type }) => type === 'worker exit')).toEqual([]);
  });

  test('A worker that is not ready in time is killed.', () => {
    const world = new World({ workers: 1 });
    world.behaviour = { ...HEALTHY, readyAfter: null };
    world.pass(59_999);
    expect([...world.processes.values()][0]?.signals).toEqual([]);
    world.pass(1);
    expect(world.logs('boot timeout')).toEqual(['Worker 0 (pid 100) was not ready after 60 s: killed']);
  });

  test('If no worker ever becomes ready, it ends with status 1 and the reason, after a few attempts.', () => {
    const world = new World();
    world.behaviour = { ...HEALTHY, readyAfter: null, crashAfter: 20 };
    world.pass(5_000);
    expect(world.state).toMatchObject({ phase: 'ended', status: 1 });
    expect(world.logs('no worker became ready')[0]).toMatch(
      /worker \d \(pid \d+\) exited with status 1 before it/,
    );
    expect(world.count('fork')).toBeLessThanOrEqual(3 + RULES.restart.burst + 1);
  });

  test('A fork that fails is tried again, and is a reason as well.', () => {
    const world = new World({}, { forksFail: true });
    world.pass(30_000);
    expect(world.state).toMatchObject({ phase: 'ended', status: 1 });
    expect(world.logs('no worker became ready')[0]).toContain('EAGAIN');

    const later = running();
    later.forksFail = true;
    later.exit(later.any().pid, KILLED);
    later.pass(1_000);
    expect(later.ready()).toHaveLength(2);
    later.forksFail = false;
    later.pass(60_000);
    expect(later.ready()).toHaveLength(3);
  });
});

describe('crashes', () => {
  test('Forks that fail can be a loop, too: it is reported before it is said to be over.', () => {
    const world = running();
    world.forksFail = true;
    world.exit(world.any().pid, KILLED);
    world.pass(60_000);
    expect(world.logs('crash loop')).toHaveLength(1);
    expect(world.logs('crash loop')[0]).toMatch(/the latest: worker \d could not be started: EAGAIN\./);
    expect(world.logs('fork failed')).toHaveLength(RULES.restart.burst + 1);
    world.forksFail = false;
    world.pass(200_000);
    expect(world.logs('crash loop over')).toHaveLength(1);
    expect(world.logs().indexOf(world.logs('crash loop')[0] as string)).toBeLessThan(
      world.logs().indexOf(world.logs('crash loop over')[0] as string),
    );
  });

  test('A loop is not over while workers wait for their turn to be started again.', () => {
    const world = running({ workers: 50, bootTimeout: 10 ** 9, restart: { ...RULES.restart, burst: 0 } });
    world.behaviour = { ...HEALTHY, readyAfter: null };
    for (const { pid } of world.ready()) world.exit(pid, CRASHED);
    const lastTurn = Math.max(...world.state.slots.map(({ notBefore }) => notBefore));
    world.pass(lastTurn - world.now - 1);
    expect(world.logs('crash loop over')).toEqual([]);
    world.pass(2);
    expect(world.logs('crash loop over')).toHaveLength(1);
  });

  test('The first ones are answered at once, with the same id and one restart more.', () => {
    const world = running();
    const { id, pid } = world.any();
    world.exit(pid, CRASHED);
    world.pass(10);
    expect(world.ids()).toEqual([0, 1, 2]);
    expect(world.actions.filter((action) => action.type === 'fork').at(-1)).toEqual({
      type: 'fork',
      id,
      generation: 0,
      restarts: 1,
    });
    expect(world.logs('worker crashed')).toEqual([
      `Worker ${id} (pid ${pid}) exited with status 1: starting it again`,
    ]);
  });

  test('A crash loop is reported once, costs few forks and few lines, and ends when workers live on.', () => {
    const world = running({ workers: 4 });
    world.behaviour = { ...HEALTHY, crashAfter: 100 };
    world.pass(60_000);
    const firstMinute = world.count('fork');
    expect(world.logs('crash loop')).toHaveLength(1);
    expect(firstMinute).toBeLessThan(25);
    world.pass(600_000);
    expect(world.count('fork') - firstMinute).toBeLessThan(10 * 6);
    expect(world.logs().length).toBeLessThan(15);

    world.behaviour = HEALTHY;
    world.pass(35_000);
    expect(world.ready()).toHaveLength(4);
    world.pass(120_000);
    expect(world.logs('crash loop over')).toHaveLength(1);
    world.exit(world.any().pid, CRASHED);
    world.pass(10);
    expect(world.ready()).toHaveLength(4);
  });

  test('Crashes that are far apart are no loop, however many.', () => {
    const world = running();
    for (let i = 0; i < 50; i++) {
      world.exit(world.any().pid, CRASHED);
      world.pass(30_000);
      expect(world.ready()).toHaveLength(3);
    }
    expect(world.logs('crash loop')).toEqual([]);
  });

  test('Workers that somebody kills are started again, however many, and it is no crash.', () => {
    const world = running();
    for (let i = 0; i < 200; i++) {
      world.exit(world.any().pid, KILLED);
      world.pass(111);
      expect(world.ready()).toHaveLength(3);
    }
    world.exit(world.any().pid, DONE, true);
    world.pass(111);
    expect(world.ready()).toHaveLength(3);
    expect(world.logs('worker killed')).toHaveLength(201);
    expect(world.logs('crash loop')).toEqual([]);
  });

  test('One that is killed again and again in its first moments is started ten times a second at most.', () => {
    const world = running({ workers: 1 });
    for (let i = 0; i < 1000 && world.now < 11_000; i++) {
      if (world.ready().length > 0) world.exit(world.any().pid, KILLED);
      world.pass(11);
    }
    expect(world.count('fork')).toBeLessThan(105);
  });

  test('Beyond the limit it gives up, with status 1.', () => {
    const world = running({ restart: { ...RULES.restart, burst: 100, limit: 5 } });
    for (let i = 0; i < 6; i++) {
      expect(world.state.phase).toBe('running');
      world.exit(world.any().pid, CRASHED);
      world.pass(50);
    }
    world.pass(100);
    expect(world.state).toMatchObject({ phase: 'ended', status: 1 });
    expect(world.logs('too many restarts')).toEqual(['Workers have crashed more than 5 times: giving up']);
  });
});

describe('health', () => {
  test('A worker whose loop stands still reports its stack, is killed, and replaced.', () => {
    const world = running();
    world.behaviour = { ...HEALTHY, beats: false };
    world.pass(29_000);
    expect(world.count('report stack')).toBe(0);
    world.pass(2_500);
    expect(world.count('report stack')).toBe(3);
    world.behaviour = HEALTHY;
    world.pass(REPORT_TIME + 100);
    expect(world.ready()).toHaveLength(3);
    expect(world.logs('worker hangs')).toHaveLength(3);
  });

  test('After a sleep of the whole machine, workers get their time to wake.', () => {
    const world = running();
    world.now += 3_600_000;
    world.send({
      type: 'time',
      readings: new Map([...world.processes].map(([pid, { reading }]) => [pid, reading])),
    });
    expect(world.count('report stack')).toBe(0);
    world.behaviour = { ...HEALTHY, beats: false };
    world.pass(32_000);
    expect(world.count('report stack')).toBe(3);
  });

  test('With a hang timeout of 0, nobody is killed for standing still.', () => {
    const world = running({ hangTimeout: 0 });
    world.behaviour = { ...HEALTHY, beats: false };
    world.pass(3_600_000);
    expect(world.count('kill')).toBe(0);
  });

  test('After so many requests, jitter included, a worker is replaced by one that is ready first.', () => {
    const world = new World({ maxRequests: 1000, maxRequestsJitter: 0.5 }, { chance: 0.5 });
    world.pass(100);
    const old = world.any();
    old.reading.requests = 1249;
    world.pass(5_000);
    expect(world.processes.has(old.pid)).toBe(true);
    old.reading.requests = 1250;
    world.pass(1_200);
    expect(world.ready()).toHaveLength(3);
    expect(world.processes.has(old.pid)).toBe(false);
    expect(world.logs('worker recycled')).toHaveLength(1);
    expect(world.logs('worker crashed')).toEqual([]);
  });

  test('Above the memory limit as well.', () => {
    const world = running({ maxMemory: 100 * 2 ** 20 });
    const old = world.any();
    old.reading.privateMemory = 101 * 2 ** 20;
    world.pass(1_100);
    expect(world.processes.has(old.pid)).toBe(false);
    expect(world.ready()).toHaveLength(3);
    expect(world.logs('worker recycled')[0]).toMatch(/has 101 MiB of its own: replacing it$/);
  });
});

describe('signals', () => {
  test.each(['SIGTERM', 'SIGINT'] as const)(
    '%s: no more connections, then every worker finishes.',
    (signal) => {
      const world = running();
      world.signal(signal);
      const types = world.actions.map(({ type }) => type);
      expect(types.indexOf('stop listening')).toBeLessThan(types.indexOf('kill'));
      world.pass(10);
      expect(world.actions.at(-1)).toEqual({ type: 'end', status: 0 });
      expect(world.processes.size).toBe(0);
    },
  );

  test('Who has not finished after the graceful timeout is killed; a second SIGTERM changes nothing.', () => {
    const world = running({ gracefulTimeout: 7_000 });
    world.behaviour = { ...HEALTHY, stopAfter: null };
    world.signal('SIGTERM');
    world.pass(6_999);
    world.signal('SIGTERM');
    expect(world.processes.size).toBe(3);
    world.pass(10);
    expect(world.state).toMatchObject({ phase: 'ended', status: 0 });
    expect(world.logs('graceful timeout')).toHaveLength(3);
  });

  test.each([['SIGINT', 'SIGINT'], ['SIGTERM', 'SIGINT'], ['SIGQUIT']] as const)(
    '%s %s: at once.',
    (...signals) => {
      const world = running();
      world.behaviour = { ...HEALTHY, stopAfter: null };
      for (const signal of signals) if (signal !== undefined) world.signal(signal);
      for (const { signals: got } of world.processes.values()) expect(got.at(-1)).toBe('SIGKILL');
      world.pass(1);
      expect(world.state).toMatchObject({ phase: 'ended', status: 0 });
    },
  );

  test.each([['SIGINT', 'SIGINT'], ['SIGQUIT']] as const)(
    '%s %s while a worker is being forked: it is killed.',
    (...signals) => {
      const world = running();
      world.forksUnderWay = [];
      world.exit(world.any().pid, CRASHED);
      for (const signal of signals) if (signal !== undefined) world.signal(signal);
      world.endForks();
      for (const { signals: got } of world.processes.values()) expect(got.at(-1)).toBe('SIGKILL');
      world.pass(1);
      expect(world.state).toMatchObject({ phase: 'ended', status: 0 });
    },
  );

  test('SIGHUP while a worker is being forked: it is of the old generation, as it was told, and replaced.', () => {
    const world = running({ workers: 1 });
    world.forksUnderWay = [];
    const { pid } = world.any();
    world.exit(pid, CRASHED);
    world.signal('SIGHUP');
    world.endForks();
    expect(world.state.workers).toMatchObject([{ id: 0, generation: 0, restarts: 1 }]);
    world.pass(100);
    expect(world.ready()).toMatchObject([{ id: 0, generation: 1 }]);
    expect(world.logs('rolled')).toHaveLength(1);
  });

  test('SIGTTOU of the one worker that is not ready yet: the others are announced.', () => {
    const world = new World({ workers: 3 });
    const slow = [...world.processes.values()].at(-1) as Process;
    world.pass(10 - 1);
    slow.startedAt = world.now + 1_000;
    world.pass(10);
    expect(world.logs('ready')).toEqual([]);
    world.signal('SIGTTOU');
    expect(world.logs('ready')).toEqual(['2 workers ready']);
  });

  test('It can be stopped while workers boot, crash or wait to be started again.', () => {
    const booting = new World();
    booting.signal('SIGTERM');
    booting.pass(100);
    expect(booting.state.phase).toBe('ended');

    const crashing = running();
    crashing.behaviour = { ...HEALTHY, crashAfter: 50 };
    crashing.pass(5_000);
    crashing.signal('SIGTERM');
    crashing.pass(1_000);
    expect(crashing.state).toMatchObject({ phase: 'ended', status: 0 });
  });

  test('SIGHUP: each worker is replaced by one that is ready first, one at a time.', () => {
    const world = running();
    const before = new Set(world.processes.keys());
    world.signal('SIGHUP');
    for (let i = 0; i < 100 && world.logs('rolled').length === 0; i++) {
      world.pass(1);
      expect(world.ready().length).toBeGreaterThanOrEqual(3);
      expect(world.processes.size).toBeLessThanOrEqual(5);
    }
    world.pass(100);
    expect(world.ids()).toEqual([0, 1, 2]);
    expect(world.ready().every(({ pid, generation }) => !before.has(pid) && generation === 1)).toBe(true);
    expect(world.logs('rolled')).toHaveLength(1);
  });

  test('SIGHUP with new workers that fail: the old ones stay.', () => {
    const world = running();
    const before = world.ready().map(({ pid }) => pid);
    world.signal('SIGHUP');
    world.behaviour = { ...HEALTHY, readyAfter: null };
    for (let i = 0; i < 5; i++) {
      for (const { pid } of [...world.processes.values()].filter(({ ready }) => !ready))
        world.exit(pid, CRASHED);
      world.pass(20_000);
    }
    expect(world.ready().map(({ pid }) => pid)).toEqual(before);
    world.behaviour = HEALTHY;
    world.pass(60_000);
    expect(world.ready().every(({ generation }) => generation === 1)).toBe(true);
  });

  test('SIGHUP again while one is under way replaces those that are new already.', () => {
    const world = running();
    world.signal('SIGHUP');
    world.pass(15);
    world.signal('SIGHUP');
    world.pass(500);
    expect(world.ready().map(({ generation }) => generation)).toEqual([2, 2, 2]);
  });

  test('SIGTTIN and SIGTTOU: one worker more, one fewer, never none.', () => {
    const world = running();
    world.signal('SIGTTIN');
    world.signal('SIGTTIN');
    world.pass(20);
    expect(world.ids()).toEqual([0, 1, 2, 3, 4]);
    world.signal('SIGTTOU');
    expect(world.actions.filter(({ type }) => type === 'close queue')).toEqual([
      { type: 'close queue', id: 4 },
    ]);
    for (let i = 0; i < 9; i++) world.signal('SIGTTOU');
    world.pass(20);
    expect(world.ids()).toEqual([0]);
    expect(world.logs('one worker fewer').at(-1)).toContain('the last worker stays');
    world.signal('SIGTTIN');
    world.pass(20);
    expect(world.ids()).toEqual([0, 1]);
  });

  describe('SIGTTOU of a worker that is dead, with a queue of its own', () => {
    /** Worker 2 has crashed so often that it waits for a long time. */
    const waiting = () => {
      const world = running({ balanced: true });
      world.pass(100);
      for (let crashes = 0; crashes <= RULES.restart.burst; crashes++) {
        const last = world.ready().find(({ id }) => id === 2) as Process;
        world.exit(last.pid, CRASHED);
        if (crashes < RULES.restart.burst) world.pass(20);
      }
      expect(world.ids()).toEqual([0, 1]);
      world.signal('SIGTTOU');
      expect(world.logs('one worker fewer')).toEqual(['SIGTTOU: 2 workers']);
      return world;
    };
    const closed = (world: World) => world.actions.filter(({ type }) => type === 'close queue');

    test('One more is started: it serves what waits there, and goes.', () => {
      const world = waiting();
      const forks = world.count('fork');
      world.pass(505);
      expect(world.count('fork')).toBe(forks + 1);
      expect(closed(world)).toEqual([]);
      world.pass(20);
      expect(closed(world)).toEqual([{ type: 'close queue', id: 2 }]);
      expect(world.ids()).toEqual([0, 1]);
      world.pass(60_000);
      expect(world.ids()).toEqual([0, 1]);
    });

    test('If that one does not live either, there is nobody to serve it.', () => {
      const world = waiting();
      world.behaviour = { ...HEALTHY, readyAfter: null, crashAfter: 5 };
      world.pass(510);
      expect(closed(world)).toEqual([{ type: 'close queue', id: 2 }]);
      world.behaviour = HEALTHY;
      world.pass(60_000);
      expect(world.ids()).toEqual([0, 1]);
    });

    test('If somebody kills that one, nothing is said of starting it again.', () => {
      const world = waiting();
      world.behaviour = { ...HEALTHY, readyAfter: 10 };
      world.pass(505);
      const last = [...world.processes.values()].find(({ id }) => id === 2) as Process;
      world.exit(last.pid, KILLED);
      expect(closed(world)).toEqual([{ type: 'close queue', id: 2 }]);
      expect(world.logs('worker killed')).toEqual([
        `Worker 2 (pid ${last.pid}) was killed by SIGKILL, from outside`,
      ]);
    });

    test('SIGTTIN calls it back, and the next SIGTTOU takes the next.', () => {
      const world = waiting();
      world.signal('SIGTTOU');
      expect(closed(world)).toEqual([{ type: 'close queue', id: 1 }]);
      world.signal('SIGTTIN');
      expect(world.logs('one worker more')).toEqual(['SIGTTIN: 2 workers']);
      world.pass(60_000);
      expect(world.ids()).toEqual([0, 2]);
    });

    test('Without queues of their own nothing is waited for.', () => {
      const world = running({ workers: 2, restart: { ...RULES.restart, burst: 0 } });
      world.exit(world.ready().find(({ id }) => id === 1)?.pid ?? 0, CRASHED);
      world.signal('SIGTTOU');
      expect(closed(world)).toEqual([{ type: 'close queue', id: 1 }]);
      world.pass(60_000);
      expect(world.count('fork')).toBe(2);
    });
  });

  test('SIGUSR1 reopens the logs.', () => {
    const world = running();
    world.signal('SIGUSR1');
    expect(world.count('reopen logs')).toBe(1);
    expect(world.ready()).toHaveLength(3);
  });
});

/** Numbers from 0 to 1, the same for the same seed (mulberry32). */
function numbers(seed: number): () => number {
  let state = seed;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}

describe('whatever happens', () => {
  const SIGNALS: ManagerSignal[] = ['SIGHUP', 'SIGTTIN', 'SIGTTOU', 'SIGUSR1', 'SIGHUP', 'SIGTTIN'];

  /** At any time. */
  function checkInvariants(world: World): void {
    const { workers, slots, phase } = world.state;
    expect(new Set(workers.map(({ pid }) => pid)), 'knows exactly the living').toEqual(
      new Set(world.processes.keys()),
    );
    for (const { id } of slots) {
      const own = workers.filter((worker) => worker.id === id);
      expect(own.filter((each) => each.phase === 'ready').length, 'one serves').toBeLessThanOrEqual(1);
      expect(own.filter((each) => each.phase === 'booting').length, 'one boots').toBeLessThanOrEqual(1);
    }
    expect(slots.length).toBeGreaterThan(0);
    expect(new Set(slots.map(({ id }) => id)).size).toBe(slots.length);
    if (phase === 'running') {
      const deadline = nextDeadline(world.state);
      const filled = slots.every(({ id }) => workers.some((worker) => worker.id === id));
      expect(filled || deadline !== null, 'nobody is forgotten').toBe(true);
    }
  }

  test.each(Array.from({ length: 30 }, (_, seed) => seed))('seed %i', (seed) => {
    const random = numbers(seed + 1);
    const pick = <T>(list: readonly T[]): T => list[Math.floor(random() * list.length)] as T;
    const world = running({
      workers: 1 + Math.floor(random() * 4),
      maxRequests: random() < 0.5 ? 100 : null,
    });
    for (let step = 0; step < 80 && world.state.phase === 'running'; step++) {
      world.chance = random();
      const processes = [...world.processes.values()];
      const dice = random();
      if (dice < 0.3 && processes.length > 0) world.exit(pick(processes).pid, pick([KILLED, CRASHED, DONE]));
      else if (dice < 0.5) world.signal(pick(SIGNALS));
      else if (dice < 0.6 && processes.length > 0) pick(processes).reading.requests += 90;
      else if (dice < 0.65) world.forksFail = random() < 0.3;
      else {
        world.behaviour = {
          readyAfter: random() < 0.9 ? random() * 1000 : null,
          crashAfter: random() < 0.1 ? random() * 5000 : null,
          stopAfter: random() < 0.8 ? random() * 1000 : null,
          beats: random() < 0.9,
        };
        world.pass(random() * 40_000);
      }
      checkInvariants(world);
    }
    // Left in peace, all is well again…
    world.behaviour = HEALTHY;
    world.forksFail = false;
    world.pass(300_000);
    checkInvariants(world);
    expect(world.state.phase).toBe('running');
    expect(world.ids()).toEqual(world.state.slots.map(({ id }) => id));
    expect(world.ready().every(({ generation }) => generation === world.state.generation)).toBe(true);
    expect(world.processes.size).toBe(world.state.slots.length);
    // …and it can be ended.
    world.signal('SIGTERM');
    world.pass(31_000);
    expect(world.state).toMatchObject({ phase: 'ended', status: 0 });
    expect(world.processes.size).toBe(0);
  });
});
