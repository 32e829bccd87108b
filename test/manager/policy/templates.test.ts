/** A template that has been stopped, or hangs, is not waited for without end; nor is a process that reads the configuration. */
import { describe, expect, test } from 'vitest';
import type { Event } from '../../../lib/manager/policy';
import { DONE, KILLED, running, World } from './world';

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

describe('A configuration', () => {
  const ends = (event: Partial<Event>) => (generation: number) => [
    { type: 'template exited', generation, exit: DONE, ...event } as Event,
  ];
  const CASES = [
    ['ends without a word', ends({}), 'reads %s configuration exited with status 0, and had not finished'],
    [
      'is killed',
      ends({ exit: KILLED }),
      'reads %s configuration was killed by SIGKILL, and had not finished',
    ],
    ['never ends', () => [], '%s configuration could not be read within 60 s'],
  ] as const;

  test.each(CASES)('that %s is the end of a start: nothing is loaded.', (_, configuring, why) => {
    const world = new World({}, { configuring });
    world.pass(60_001);
    expect(world.state).toMatchObject({ phase: 'ended', status: 1 });
    expect(world.logs('start_failed')).toEqual([
      expect.stringMatching(new RegExp(why.replace('%s', '[Tt]he'))),
    ]);
    expect(world.actions.map(({ type }) => type)).not.toContain('load');
  });

  test.each(CASES)('that %s is refused by a reload: nothing is loaded.', (_, configuring, why) => {
    const world = running();
    world.configuring = configuring;
    world.signal('SIGHUP');
    world.pass(60_001);
    expect(world.logs('replacement_refused')).toEqual([expect.stringContaining(why.replace('%s', 'its'))]);
    expect(world.actions.filter(({ type }) => type === 'load')).toHaveLength(1);
    expect(world.ids()).toEqual([0, 1, 2]);
    expect(world.state.templates).toMatchObject([{ generation: 0, phase: 'loaded' }]);
  });

  test('that says itself what is wrong is refused for that, and the log does not explain it once more.', () => {
    const configuring = ends({ exit: { code: 2, signal: null }, why: 'workers is no number' });
    const first = new World({}, { configuring });
    expect(first.state).toMatchObject({ phase: 'ended', status: 2 });
    expect(first.logs('start_failed')).toEqual([]);
    const world = running();
    world.configuring = configuring;
    world.signal('SIGHUP');
    expect(world.logs('replacement_refused')).toEqual([
      'The new version is not put into service: workers is no number. Generation 0 serves on',
    ]);
  });

  test('that is being read when SIGTERM comes is waited for, gently and not without end.', () => {
    const world = new World({}, { configuring: () => [] });
    world.signal('SIGTERM');
    expect(world.actions).toContainEqual({ type: 'unload', generation: 0, gently: true });
    expect(world.state).toMatchObject({ phase: 'ended', status: 0 });
  });

  test('that is read once its generation was given up counts for nothing.', () => {
    const world = running();
    world.configuring = () => [];
    world.signal('SIGHUP');
    world.signal('SIGHUP');
    world.send({ type: 'configured', generation: 1, rules: world.rules });
    expect(world.actions.filter(({ type }) => type === 'load')).toHaveLength(1);
  });
});
