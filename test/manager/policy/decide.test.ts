/** Whatever happens, in any order, every slot has its worker in the end, and all of it can be ended. */
import { describe, expect, test } from 'vitest';
import { type ManagerSignal, nextDeadline } from '../../../lib/manager/policy';
import { CRASHED, DONE, HEALTHY, KILLED, running, type World } from './world';

/** Numbers from 0 to 1, the same for the same seed (mulberry32). */
function numbers(seed: number): () => number {
  let state = seed;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}

describe('whatever happens', () => {
  const SIGNALS: ManagerSignal[] = ['SIGHUP', 'SIGTTIN', 'SIGTTOU', 'SIGUSR1', 'SIGHUP', 'SIGTTIN'];

  /** At any time. */
  function checkInvariants(world: World): void {
    const { workers, slots, phase } = world.state;
    expect(new Set(workers.map(({ pid }) => pid)), 'knows exactly the living').toEqual(
      new Set(world.processes.keys()),
    );
    for (const { id } of slots) {
      const own = workers.filter((worker) => worker.id === id);
      expect(own.filter((each) => each.phase === 'ready').length, 'one serves').toBeLessThanOrEqual(1);
      expect(own.filter((each) => each.phase === 'booting').length, 'one boots').toBeLessThanOrEqual(1);
    }
    expect(slots.length).toBeGreaterThan(0);
    expect(new Set(slots.map(({ id }) => id)).size).toBe(slots.length);
    if (phase === 'running') {
      const deadline = nextDeadline(world.state);
      const filled = slots.every(({ id }) => workers.some((worker) => worker.id === id));
      expect(filled || deadline !== null, 'nobody is forgotten').toBe(true);
    }
  }

  test.each(Array.from({ length: 30 }, (_, seed) => seed))('seed %i', (seed) => {
    const random = numbers(seed + 1);
    const pick = <T>(list: readonly T[]): T => list[Math.floor(random() * list.length)] as T;
    const world = running({
      workers: 1 + Math.floor(random() * 4),
      maxRequests: random() < 0.5 ? 100 : null,
    });
    for (let step = 0; step < 80 && world.state.phase === 'running'; step++) {
      world.chance = random();
      const processes = [...world.processes.values()];
      const dice = random();
      if (dice < 0.3 && processes.length > 0) world.exit(pick(processes).pid, pick([KILLED, CRASHED, DONE]));
      else if (dice < 0.5) world.signal(pick(SIGNALS));
      else if (dice < 0.6 && processes.length > 0) pick(processes).reading.requests += 90;
      else if (dice < 0.65) world.forksFail = random() < 0.3;
      else {
        world.behaviour = {
          readyAfter: random() < 0.9 ? random() * 1000 : null,
          crashAfter: random() < 0.1 ? random() * 5000 : null,
          stopAfter: random() < 0.8 ? random() * 1000 : null,
          beats: random() < 0.9,
        };
        world.pass(random() * 40_000);
      }
      checkInvariants(world);
    }
    // Left in peace, all is well again…
    world.behaviour = HEALTHY;
    world.forksFail = false;
    world.pass(300_000);
    checkInvariants(world);
    expect(world.state.phase).toBe('running');
    expect(world.ids()).toEqual(world.state.slots.map(({ id }) => id));
    expect(world.ready().every(({ generation }) => generation === world.state.generation)).toBe(true);
    expect(world.processes.size).toBe(world.state.slots.length);
    // …and it can be ended.
    world.signal('SIGTERM');
    world.pass(31_000);
    expect(world.state).toMatchObject({ phase: 'ended', status: 0 });
    expect(world.processes.size).toBe(0);
  });
});
