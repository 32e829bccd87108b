/** A worker that crashes is restarted, ever more slowly in a crash loop; one killed from outside has not crashed. */
import { describe, expect, test } from 'vitest';
import { CRASHED, DONE, HEALTHY, KILLED, RULES, running } from './world';

describe('crashes', () => {
  test('Forks that fail can be a loop, too: it is reported before it is said to be over.', () => {
    const world = running();
    world.forksFail = true;
    world.exit(world.any().pid, KILLED);
    world.pass(60_000);
    expect(world.logs('crash_loop_entered')).toHaveLength(1);
    expect(world.logs('crash_loop_entered')[0]).toMatch(
      /the latest: worker \d could not be forked: EAGAIN\./,
    );
    expect(world.logs('fork_failed')).toHaveLength(RULES.restart.burst + 1);
    world.forksFail = false;
    world.pass(200_000);
    expect(world.logs('crash_loop_left')).toHaveLength(1);
    expect(world.logs().indexOf(world.logs('crash_loop_entered')[0] as string)).toBeLessThan(
      world.logs().indexOf(world.logs('crash_loop_left')[0] as string),
    );
  });

  test('A loop is not over while workers wait for their turn to be started again.', () => {
    const world = running({ workers: 50, bootTimeout: 10 ** 9, restart: { ...RULES.restart, burst: 0 } });
    world.behaviour = { ...HEALTHY, readyAfter: null };
    for (const { pid } of world.ready()) world.exit(pid, CRASHED);
    const lastTurn = Math.max(...world.state.slots.map(({ notBefore }) => notBefore));
    world.pass(lastTurn - world.now - 1);
    expect(world.logs('crash_loop_left')).toEqual([]);
    world.pass(2);
    expect(world.logs('crash_loop_left')).toHaveLength(1);
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
    expect(world.logs('worker_crashed')).toEqual([
      `Worker ${id} (pid ${pid}) exited with status 1: restarting it`,
    ]);
  });

  test('A crash loop is reported once, costs few forks and few lines, and ends when workers live on.', () => {
    const world = running({ workers: 4 });
    world.behaviour = { ...HEALTHY, crashAfter: 100 };
    world.pass(60_000);
    const firstMinute = world.count('fork');
    expect(world.logs('crash_loop_entered')).toHaveLength(1);
    expect(firstMinute).toBeLessThan(25);
    world.pass(600_000);
    expect(world.count('fork') - firstMinute).toBeLessThan(10 * 6);
    expect(world.logs().length).toBeLessThan(15);

    world.behaviour = HEALTHY;
    world.pass(35_000);
    expect(world.ready()).toHaveLength(4);
    world.pass(120_000);
    expect(world.logs('crash_loop_left')).toHaveLength(1);
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
    expect(world.logs('crash_loop_entered')).toEqual([]);
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
    expect(world.logs('worker_killed')).toHaveLength(201);
    expect(world.logs('crash_loop_entered')).toEqual([]);
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
    expect(world.logs('restart_limit_reached')).toEqual([
      'Workers have crashed more than 5 times: giving up',
    ]);
  });
});
