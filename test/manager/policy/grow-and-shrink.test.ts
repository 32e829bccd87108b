/** SIGTTIN and SIGTTOU: one worker more, one fewer, and nothing that waits for the one that goes is forgotten. */
import { describe, expect, test } from 'vitest';
import { CRASHED, HEALTHY, KILLED, type Process, RULES, running, World } from './world';

describe('signals', () => {
  test('SIGTTOU of the one worker that is not ready yet: the others are announced.', () => {
    const world = new World({ workers: 3 });
    const slow = [...world.processes.values()].at(-1) as Process;
    world.pass(10 - 1);
    slow.startedAt = world.now + 1_000;
    world.pass(10);
    expect(world.logs('workers_ready')).toEqual([]);
    world.signal('SIGTTOU');
    expect(world.logs('workers_ready')).toEqual(['2 workers ready']);
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
    expect(world.logs('worker_removed').at(-1)).toContain('the last worker stays');
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
      expect(world.logs('worker_removed')).toEqual(['SIGTTOU: 2 workers']);
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
      expect(world.logs('worker_killed')).toEqual([
        `Worker 2 (pid ${last.pid}) was killed by SIGKILL, from outside`,
      ]);
    });

    test('SIGTTIN calls it back, and the next SIGTTOU takes the next.', () => {
      const world = waiting();
      world.signal('SIGTTOU');
      expect(closed(world)).toEqual([{ type: 'close queue', id: 1 }]);
      world.signal('SIGTTIN');
      expect(world.logs('worker_added')).toEqual(['SIGTTIN: 2 workers']);
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
});
