/** After SIGHUP every worker is a new one in the end, and none has gone before its successor was ready. */
import { describe, expect, test } from 'vitest';
import { CRASHED, HEALTHY, running } from './world';

describe('signals', () => {
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
});
