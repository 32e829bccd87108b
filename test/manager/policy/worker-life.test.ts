/** Every worker is forked, and ready in time, or killed; if none ever is, it ends and says why. */
import { describe, expect, test } from 'vitest';
import { DONE, HEALTHY, KILLED, RULES, running, World } from './world';

describe('a worker that is ready, but does not listen wherever the one that it replaces does,', () => {
  function reloading(): World {
    const world = running({ workers: 1 });
    world.behaviour = { ...HEALTHY, lacks: ['127.0.0.1:80'] };
    world.signal('SIGHUP');
    world.pass(100);
    return world;
  }
  const newest = (world: World) => [...world.processes.values()].at(-1)?.pid ?? 0;

  test('is waited for, and says so once.', () => {
    const world = reloading();
    world.send({ type: 'ready', pid: newest(world), lacks: ['127.0.0.1:80'] });
    expect(world.logs('address_awaited')).toEqual([
      'Worker 0 (pid 101) is ready, but the worker that it replaces also listens on 127.0.0.1:80: waiting for that, for up to 60 s',
    ]);
    expect(world.state).toMatchObject({ generation: 0, candidate: { generation: 1 } });
    expect(world.processes.get(100)?.signals).toEqual([]);
    world.send({ type: 'ready', pid: newest(world), lacks: [] });
    world.pass(100);
    expect(world.state).toMatchObject({ generation: 1, candidate: null });
    expect([...world.processes.keys()]).toEqual([101]);
    expect(world.logs('address_given_up')).toEqual([]);
  });

  test('serves without when its time to get ready is over.', () => {
    const world = reloading();
    world.pass(59_000);
    expect(world.state.generation).toBe(0);
    world.pass(1_000);
    expect(world.logs('address_given_up')).toEqual(['Worker 0 (pid 101) serves without 127.0.0.1:80']);
    expect(world.logs('worker_boot_timed_out')).toEqual([]);
    expect(world.state).toMatchObject({ generation: 1, candidate: null });
    expect([...world.processes.keys()]).toEqual([101]);
  });

  test('and that ends meanwhile is no better than any other that does.', () => {
    const world = reloading();
    world.exit(newest(world), DONE);
    expect(world.logs('replacement_refused')).toHaveLength(1);
    expect(world.state).toMatchObject({ generation: 0, candidate: null });
  });
});

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
