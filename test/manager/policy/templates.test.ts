/** A template that has been stopped, or hangs, is not waited for without end. */
import { expect, test } from 'vitest';
import { KILLED, running, type World } from './world';

/** A worker is to be forked, and nothing comes of it. */
function worldThatWaits(): World {
  const world = running({ gracefulTimeout: 5_000 });
  world.forksUnderWay = [];
  world.exit(world.any().pid, KILLED);
  world.pass(1_000);
  expect(world.state.workers).toHaveLength(2);
  return world;
}

test('One that does not answer for 20 s is killed and made anew.', () => {
  const world = worldThatWaits();
  world.pass(18_000);
  expect(world.logs('fork_failed')).toEqual([]);
  world.pass(1_500);
  expect(world.logs('fork_failed')).toEqual([
    'The template of generation 0 does not fork: it has not answered for 20 s. Killing it',
  ]);
  expect(world.logs('template_lost')).toHaveLength(1);
  world.endForks();
  world.pass(1_000);
  expect(world.ids()).toEqual([0, 1, 2]);
  expect(world.state.generation).toBe(1);
});

test('One that answers, if late, is left alone.', () => {
  const world = worldThatWaits();
  world.pass(15_000);
  world.endForks();
  world.pass(60_000);
  expect(world.logs('fork_failed')).toEqual([]);
  expect(world.ids()).toEqual([0, 1, 2]);
});

test.each([
  ['SIGTERM', 5_001],
  ['SIGQUIT', 10],
] as const)('It keeps nobody from ending: %s, within %d ms.', (signal, time) => {
  const world = worldThatWaits();
  world.signal(signal);
  world.pass(time);
  expect(world.state).toMatchObject({ phase: 'ended', status: 0 });
});

test('A version whose template does not fork is refused.', () => {
  const world = running();
  world.forksUnderWay = [];
  world.signal('SIGHUP');
  world.pass(20_001);
  expect(world.logs('replacement_refused')[0]).toMatch(
    /it was killed by SIGKILL before a worker of it was ready|worker 0 of it could not be started/,
  );
  world.forksUnderWay = null;
  world.pass(1_000);
  expect(world.ids()).toEqual([0, 1, 2]);
  expect(world.state.generation).toBe(0);
});
