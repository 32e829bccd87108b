/** Every worker is forked, and ready in time, or killed; if none ever is, it ends and says why. */
import { describe, expect, test } from 'vitest';
import { HEALTHY, KILLED, RULES, running, World } from './world';

describe('starting', () => {
  test('One worker is forked for each id, and it is announced once that all are ready.', () => {
    const world = running();
    expect(world.ids()).toEqual([0, 1, 2]);
    expect(world.logs('workers_ready')).toEqual(['3 workers ready']);
    expect(world.count('worker ready')).toBe(3);
  });

  test('A worker that is not ready in time is killed.', () => {
    const world = new World({ workers: 1 });
    world.behaviour = { ...HEALTHY, readyAfter: null };
    world.pass(59_999);
    expect([...world.processes.values()][0]?.signals).toEqual([]);
    world.pass(1);
    expect(world.logs('worker_boot_timed_out')).toEqual([
      'Worker 0 (pid 100) was not ready within 60 s: killed',
    ]);
  });

  test('If no worker ever becomes ready, it ends with status 1 and the reason, after a few attempts.', () => {
    const world = new World();
    world.behaviour = { ...HEALTHY, readyAfter: null, crashAfter: 20 };
    world.pass(5_000);
    expect(world.state).toMatchObject({ phase: 'ended', status: 1 });
    expect(world.logs('boot_failed')[0]).toMatch(/worker \d \(pid \d+\) exited with status 1 before it/);
    expect(world.count('fork')).toBeLessThanOrEqual(3 + RULES.restart.burst + 1);
  });

  test('A fork that fails is tried again, and is a reason as well.', () => {
    const world = new World({}, { forksFail: true });
    world.pass(30_000);
    expect(world.state).toMatchObject({ phase: 'ended', status: 1 });
    expect(world.logs('boot_failed')[0]).toContain('EAGAIN');

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
