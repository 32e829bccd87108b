/** Whatever happens, in any order, every slot has its worker in the end, and all of it can be ended. */
import * as fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { type ManagerSignal, nextDeadline } from '../../../lib/manager/policy';
import { CRASHED, DONE, HEALTHY, KILLED, running, type World } from './world';

/** At any time. */
function checkInvariants(world: World): void {
  const { workers, slots, phase, templates, candidate, generation, newest } = world.state;
  expect(new Set(workers.map(({ pid }) => pid)), 'knows exactly the living').toEqual(
    new Set(world.processes.keys()),
  );
  for (const { id } of slots) {
    const own = workers.filter((worker) => worker.id === id);
    expect(own.filter((each) => each.phase === 'ready').length, 'one serves').toBeLessThanOrEqual(1);
    const booting = own.filter((each) => each.phase === 'booting').map((each) => each.generation);
    expect(new Set(booting).size, 'one of each generation boots').toBe(booting.length);
  }
  expect(slots.length, 'somebody is to serve').toBeGreaterThan(0);
  expect(new Set(slots.map(({ id }) => id)).size, 'ids are unique').toBe(slots.length);
  expect(templates.length, 'as few templates as needed').toBeLessThanOrEqual(2);
  expect(generation, 'generations go on').toBeLessThanOrEqual(newest);
  if (candidate !== null) expect(candidate.generation).toBe(newest);
  const tooNew = workers.filter(
    (worker) =>
      worker.generation > generation &&
      worker.generation !== candidate?.generation &&
      worker.phase !== 'doomed',
  );
  expect(tooNew, 'nobody serves of a generation that was refused').toEqual([]);
  if (phase !== 'running') return;
  const filled = slots.every(({ id }) => workers.some((worker) => worker.id === id));
  expect(filled || nextDeadline(world.state) !== null, 'nobody is forgotten').toBe(true);
}

/** Something that happens to a world. */
type Deed = (world: World) => void;

/** One of those that live, by a number from 0 to 1. */
function one<T>(list: readonly T[], share: number): T | undefined {
  return list[Math.min(list.length - 1, Math.floor(share * list.length))];
}

const share = fc.double({ min: 0, max: 1, noNaN: true });

/** Each shows itself in a failure as it was called. */
function deed<T>(
  name: string,
  values: fc.Arbitrary<T>,
  act: (world: World, value: T) => void,
): fc.Arbitrary<Deed> {
  return values.map((value) =>
    Object.assign((world: World) => act(world, value), {
      [fc.toStringMethod]: () => `${name}(${fc.stringify(value)})`,
    }),
  );
}

const behaviour = fc.record({
  readyAfter: fc.option(fc.integer({ min: 0, max: 1000 }), { freq: 10 }),
  crashAfter: fc.oneof(
    { weight: 9, arbitrary: fc.constant(null) },
    { weight: 1, arbitrary: fc.integer({ min: 0, max: 5000 }) },
  ),
  stopAfter: fc.option(fc.integer({ min: 0, max: 1000 }), { freq: 5 }),
  beats: fc.boolean(),
  lacks: fc.oneof({ weight: 9, arbitrary: fc.constant([]) }, { weight: 1, arbitrary: fc.constant([':80']) }),
});

const SIGNALS: ManagerSignal[] = ['SIGHUP', 'SIGTTIN', 'SIGTTOU', 'SIGUSR1', 'SIGUSR2'];

const deeds: fc.Arbitrary<Deed> = fc.oneof(
  deed('ends', fc.tuple(share, fc.constantFrom(KILLED, CRASHED, DONE)), (world, [which, exit]) => {
    const process = one([...world.processes.values()], which);
    if (process !== undefined) world.exit(process.pid, exit);
  }),
  deed('signal', fc.constantFrom(...SIGNALS), (world, signal) => world.signal(signal)),
  deed('serves', share, (world, which) => {
    const process = one([...world.processes.values()], which);
    if (process !== undefined) process.reading.requests += 90;
  }),
  deed('forks fail', fc.boolean(), (world, fail) => {
    world.forksFail = fail;
  }),
  deed('configuring', fc.constantFrom('works', 'fails', 'never ends'), (world, how) => {
    world.configuring = (generation) => {
      if (how === 'works') return [{ type: 'configured', generation, rules: world.rules }];
      return how === 'fails' ? [{ type: 'template exited', generation, exit: CRASHED, why: 'wrong' }] : [];
    };
  }),
  deed('loading', fc.constantFrom('works', 'fails', 'never ends'), (world, how) => {
    world.loading = (generation) => {
      if (how === 'works') return [{ type: 'loaded', generation, rules: world.rules }];
      return how === 'fails' ? [{ type: 'template exited', generation, exit: CRASHED }] : [];
    };
  }),
  deed(
    'successor',
    fc.tuple(fc.constantFrom(true, false, null), fc.boolean()),
    (world, [trial, takesOver]) => {
      world.successor = { trial, takesOver };
    },
  ),
  deed('loses the template', share, (world, which) => {
    const template = one(world.state.templates, which);
    if (template !== undefined) world.send({ type: 'template exited', ...template, exit: KILLED });
  }),
  deed('has other rules', fc.integer({ min: 1, max: 5 }), (world, workers) => {
    world.rules = { ...world.rules, workers };
  }),
  deed('behaves', behaviour, (world, how) => {
    world.behaviour = how;
  }),
  deed('passes', fc.integer({ min: 1, max: 40_000 }), (world, milliseconds) => world.pass(milliseconds)),
);

const rules = fc.record({
  workers: fc.integer({ min: 1, max: 4 }),
  maxRequests: fc.constantFrom(100, null),
});

describe('whatever happens', () => {
  test('no invariant is broken, and in peace all is well again and can be ended.', () => {
    fc.assert(
      fc.property(rules, fc.array(deeds, { maxLength: 60 }), (given, happens) => {
        const world = running(given);
        for (const happen of happens) {
          if (world.state.phase !== 'running') break;
          happen(world);
          checkInvariants(world);
        }
        // Left in peace, all is well again…
        world.behaviour = HEALTHY;
        world.forksFail = false;
        world.configuring = (generation) => [{ type: 'configured', generation, rules: world.rules }];
        world.loading = (generation) => [{ type: 'loaded', generation, rules: world.rules }];
        world.pass(300_000);
        checkInvariants(world);
        expect(world.state).toMatchObject({
          phase: 'running',
          candidate: null,
          reloadAt: null,
          succession: null,
        });
        expect(world.ids()).toEqual(world.state.slots.map(({ id }) => id));
        expect(world.ready().every(({ generation }) => generation === world.state.generation)).toBe(true);
        expect(world.processes.size).toBe(world.state.slots.length);
        expect(world.state.templates).toMatchObject([
          { generation: world.state.generation, phase: 'loaded' },
        ]);
        // …and it can be ended.
        world.signal('SIGTERM');
        world.pass(31_000);
        expect(world.state).toMatchObject({ phase: 'ended', status: 0 });
        expect(world.processes.size).toBe(0);
      }),
      { numRuns: 150 },
    );
  });
});
