/** SIGUSR2: another program takes over when it has shown that it can start, and nothing is half done; else nothing changes. */
import { describe, expect, test } from 'vitest';
import { World } from './world';

function serving(): World {
  const world = new World();
  world.pass(1000);
  return world;
}

function logged(world: World, event: string): string[] {
  return world.actions.flatMap((action) =>
    action.type === 'log' && action.entry.event === event ? action.entry.message : [],
  );
}

test('It takes over, with all workers, and replaces them as after SIGHUP.', () => {
  const world = serving();
  const before = [...world.processes.keys()];
  world.signal('SIGUSR2');
  expect(world.state.workers.map(({ pid }) => pid)).toEqual(expect.arrayContaining(before));
  world.pass(10_000);
  expect(world.state).toMatchObject({ phase: 'running', generation: 1, succession: null, rolling: false });
  expect(world.ready().map(({ generation }) => generation)).toEqual([1, 1, 1]);
});

test.each([
  ['in its trial', { trial: false, takesOver: true }],
  ['when it is to take over', { trial: true, takesOver: false }],
])('One that fails %s changes nothing.', (_, successor) => {
  const world = serving();
  const before = world.state;
  world.successor = successor;
  world.signal('SIGUSR2');
  expect(world.state).toEqual(before);
  expect(logged(world, 'succession_refused')).toEqual([
    'The new process manager does not take over: it is too old. This one goes on',
  ]);
});

test('A trial without an end is given up.', () => {
  const world = serving();
  world.successor = { trial: null, takesOver: true };
  world.signal('SIGUSR2');
  world.pass(world.rules.bootTimeout);
  expect(world.actions).toContainEqual({ type: 'give up successor' });
  expect(logged(world, 'succession_refused')[0]).toMatch(/its trial was not over within 60 s/);
  expect(world.state.succession).toBeNull();
});

test('The end of the manager is its end, too.', () => {
  const world = serving();
  world.successor = { trial: null, takesOver: true };
  world.signal('SIGUSR2');
  world.signal('SIGTERM');
  expect(world.actions).toContainEqual({ type: 'give up successor' });
  world.send({ type: 'successor can start' });
  world.pass(10_000);
  expect(world.state).toMatchObject({ phase: 'ended', status: 0 });
  expect(world.actions.some(({ type }) => type === 'hand over')).toBe(false);
});

describe('What is half done', () => {
  test('is waited for: workers that are being forked.', () => {
    const world = serving();
    world.forksUnderWay = [];
    world.exit([...world.processes.keys()][0] as number, { code: null, signal: 'SIGKILL' });
    world.signal('SIGUSR2');
    expect(world.actions.some(({ type }) => type === 'hand over')).toBe(false);
    world.endForks();
    world.pass(10_000);
    expect(world.actions.filter(({ type }) => type === 'hand over')).toHaveLength(1);
    expect(world.ready().map(({ generation }) => generation)).toEqual([1, 1, 1]);
  });

  test('is given up: a generation that is being loaded, which the successor loads.', () => {
    const world = serving();
    world.loading = () => [];
    world.signal('SIGHUP');
    expect(world.state.candidate).not.toBeNull();
    world.loading = (generation) => [{ type: 'loaded', generation, rules: world.rules }];
    world.signal('SIGUSR2');
    world.pass(10_000);
    expect(world.state).toMatchObject({ generation: 2, succession: null });
  });

  test('and is begun again if the other program does not take over after all.', () => {
    const world = serving();
    world.loading = () => [];
    world.signal('SIGHUP');
    world.successor = { trial: true, takesOver: false };
    world.loading = (generation) => [{ type: 'loaded', generation, rules: world.rules }];
    world.signal('SIGUSR2');
    world.pass(10_000);
    expect(world.state).toMatchObject({ generation: 2, succession: null });
    expect(logged(world, 'replacement_started').at(-1)).toMatch(/^A reload had been given up for it: /);
  });
});

test('Before the application has been loaded there is nothing to take over.', () => {
  const world = new World({}, { loading: () => [] });
  world.signal('SIGUSR2');
  expect(logged(world, 'succession_refused')[0]).toMatch(/the application has not been loaded yet/);
  expect(world.state.succession).toBeNull();
});
