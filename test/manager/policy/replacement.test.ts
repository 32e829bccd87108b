/** After SIGHUP every worker is a new one in the end, and none has gone before its successor was ready. */
import { describe, expect, test } from 'vitest';
import { CRASHED, HEALTHY, KILLED, running } from './world';

describe('signals', () => {
  test('SIGHUP while a worker is being forked: it is of the old generation, as it was told, and is replaced.', () => {
    const world = running({ workers: 1 });
    world.forksUnderWay = [];
    const { pid } = world.any();
    world.exit(pid, CRASHED);
    world.signal('SIGHUP');
    world.endForks();
    expect(world.state.workers).toMatchObject([
      { id: 0, generation: 0, restarts: 1 },
      { id: 0, generation: 1, restarts: 1 }, // the canary
    ]);
    world.pass(100);
    expect(world.ready()).toMatchObject([{ id: 0, generation: 1 }]);
    expect(world.logs('replaced_all')).toHaveLength(1);
  });

  test('SIGHUP: each worker is replaced by one that is ready first, one at a time.', () => {
    const world = running();
    const before = new Set(world.processes.keys());
    world.signal('SIGHUP');
    for (let i = 0; i < 100 && world.logs('replaced_all').length === 0; i++) {
      world.pass(1);
      expect(world.ready().length).toBeGreaterThanOrEqual(3);
      expect(world.processes.size).toBeLessThanOrEqual(5);
    }
    world.pass(100);
    expect(world.ids()).toEqual([0, 1, 2]);
    expect(world.ready().every(({ pid, generation }) => !before.has(pid) && generation === 1)).toBe(true);
    expect(world.logs('replaced_all')).toHaveLength(1);
  });

  test.each(['never gets ready', 'crashes'])(
    'SIGHUP with a first worker that %s: the old ones stay, and the log says why.',
    (misbehaviour) => {
      const world = running();
      const before = world.ready().map(({ pid }) => pid);
      world.behaviour = { ...HEALTHY, readyAfter: null };
      world.signal('SIGHUP');
      world.pass(5);
      const [canary, ...others] = [...world.processes.values()].filter(({ generation }) => generation === 1);
      expect(others).toEqual([]);
      if (misbehaviour === 'crashes') world.exit(canary?.pid ?? 0, CRASHED);
      world.pass(70_000);
      expect(world.ready().map(({ pid }) => pid)).toEqual(before);
      const end = misbehaviour === 'crashes' ? 'exited with status 1' : 'had to be killed';
      expect(world.logs('replacement_refused')).toEqual([
        expect.stringContaining(`worker 0 of it ${end} before it was ready`),
      ]);
      expect(world.state).toMatchObject({ generation: 0, candidate: null, crashes: [], bootFailures: 0 });
      expect(world.actions).toContainEqual({ type: 'unload', generation: 1, gently: false });

      world.behaviour = HEALTHY;
      world.signal('SIGHUP');
      world.pass(1000);
      expect(world.ready().map(({ generation }) => generation)).toEqual([2, 2, 2]);
    },
  );

  test('SIGHUP with an application that cannot be loaded: no worker is touched.', () => {
    const world = running();
    const before = world.ready().map(({ pid }) => pid);
    world.loading = (generation) => [{ type: 'template exited', generation, exit: CRASHED }];
    world.signal('SIGHUP');
    world.pass(1000);
    expect(world.ready().map(({ pid }) => pid)).toEqual(before);
    expect(world.logs('replacement_refused')).toEqual([
      expect.stringMatching(/exited with status 1 before it listened/),
    ]);
  });

  test('SIGHUP with an application that never comes to listen: its loading ends by force.', () => {
    const world = running();
    world.loading = () => [];
    world.signal('SIGHUP');
    world.pass(64_000);
    expect(world.logs('replacement_refused')).toEqual([]);
    world.pass(1_500);
    expect(world.logs('replacement_refused')).toEqual([
      expect.stringMatching(/has not listened within 60 s/),
    ]);
    expect(world.actions).toContainEqual({ type: 'unload', generation: 1, gently: false });
  });

  test('A worker that dies while the next generation is loaded is forked of the one that serves.', () => {
    const world = running();
    world.loading = () => [];
    world.signal('SIGHUP');
    world.exit(world.any().pid, CRASHED);
    world.pass(1000);
    expect(world.ready().map(({ generation }) => generation)).toEqual([0, 0, 0]);
    world.send({ type: 'loaded', generation: 1, rules: world.rules });
    world.pass(1000);
    expect(world.ready().map(({ generation }) => generation)).toEqual([1, 1, 1]);
  });

  test('The rules of the new generation hold when it serves, the number of workers, too.', () => {
    const world = running({ workers: 2 });
    world.rules = { ...world.rules, workers: 4 };
    world.signal('SIGHUP');
    world.pass(1000);
    expect(world.ids()).toEqual([0, 1, 2, 3]);
    world.rules = { ...world.rules, workers: 1 };
    world.signal('SIGHUP');
    world.pass(1000);
    expect(world.ids()).toEqual([0]);
    expect(world.ready()).toMatchObject([{ generation: 2 }]);
  });

  test('A template that is lost is made anew: nothing is killed for it, and workers can be forked again.', () => {
    const world = running();
    world.loading = (generation) => [{ type: 'template exited', generation, exit: CRASHED }];
    world.send({ type: 'template exited', generation: 0, exit: KILLED });
    expect(world.logs('template_lost')).toHaveLength(1);
    expect(world.logs('replacement_refused')).toHaveLength(1);
    expect(world.ready()).toHaveLength(3);
    world.exit(world.any().pid, KILLED);
    world.loading = (generation) => [{ type: 'loaded', generation, rules: world.rules }];
    world.pass(14_000);
    expect(world.ready()).toHaveLength(2); // there is nothing to fork from
    world.pass(2_000);
    expect(world.ready().map(({ generation }) => generation)).toEqual([2, 2, 2]);
  });

  test('SIGHUP again while one is under way replaces those that are new already.', () => {
    const world = running();
    world.signal('SIGHUP');
    world.pass(15);
    world.signal('SIGHUP');
    world.pass(500);
    expect(world.ready().map(({ generation }) => generation)).toEqual([2, 2, 2]);
  });
});
