/** The signals that end it do so whatever its workers are at, in time or at once; SIGUSR1 only reopens the logs. */
import { describe, expect, test } from 'vitest';
import { CRASHED, HEALTHY, running, World } from './world';

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
    expect(world.logs('worker_stop_timed_out')).toHaveLength(3);
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

  test('SIGUSR1 reopens the logs.', () => {
    const world = running();
    world.signal('SIGUSR1');
    expect(world.count('reopen logs')).toBe(1);
    expect(world.ready()).toHaveLength(3);
  });
});
