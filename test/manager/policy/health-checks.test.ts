/** A blocked worker is killed; one that has served or grown enough is replaced once its successor is ready. */
import { describe, expect, test } from 'vitest';
import { REPORT_TIME } from '../../../lib/manager/policy';
import { HEALTHY, running, World } from './world';

describe('health', () => {
  test('A worker whose loop stands still reports its stack, is killed, and replaced.', () => {
    const world = running();
    world.behaviour = { ...HEALTHY, beats: false };
    world.pass(29_000);
    expect(world.count('report stack')).toBe(0);
    world.pass(2_500);
    expect(world.count('report stack')).toBe(3);
    world.behaviour = HEALTHY;
    world.pass(REPORT_TIME + 100);
    expect(world.ready()).toHaveLength(3);
    expect(world.logs('worker_hung')).toHaveLength(3);
  });

  test('After a sleep of the whole machine, workers get their time to wake.', () => {
    const world = running();
    world.now += 3_600_000;
    world.send({
      type: 'time',
      readings: new Map([...world.processes].map(([pid, { reading }]) => [pid, reading])),
    });
    expect(world.count('report stack')).toBe(0);
    world.behaviour = { ...HEALTHY, beats: false };
    world.pass(32_000);
    expect(world.count('report stack')).toBe(3);
  });

  test('After half a second in which the machine does nothing no worker is taken for hung, however short the timeout.', () => {
    const world = running({ hangTimeout: 400 });
    world.now += 500;
    world.send({
      type: 'time',
      readings: new Map([...world.processes].map(([pid, { reading }]) => [pid, reading])),
    });
    expect(world.count('report stack')).toBe(0);
    world.behaviour = { ...HEALTHY, beats: false };
    world.pass(600);
    expect(world.count('report stack')).toBe(3);
  });

  test('With a hang timeout of 0, nobody is killed for standing still.', () => {
    const world = running({ hangTimeout: 0 });
    world.behaviour = { ...HEALTHY, beats: false };
    world.pass(3_600_000);
    expect(world.count('kill')).toBe(0);
  });

  test('After so many requests, jitter included, a worker is replaced by one that is ready first.', () => {
    const world = new World({ maxRequests: 1000, maxRequestsJitter: 0.5 }, { chance: 0.5 });
    world.pass(100);
    const old = world.any();
    old.reading.requests = 1249;
    world.pass(5_000);
    expect(world.processes.has(old.pid)).toBe(true);
    old.reading.requests = 1250;
    world.pass(1_200);
    expect(world.ready()).toHaveLength(3);
    expect(world.processes.has(old.pid)).toBe(false);
    expect(world.logs('worker_recycled')).toHaveLength(1);
    expect(world.logs('worker_crashed')).toEqual([]);
  });

  test('Above the memory limit as well.', () => {
    const world = running({ maxMemory: 100 * 2 ** 20 });
    const old = world.any();
    old.reading.privateMemory = 101 * 2 ** 20;
    world.pass(1_100);
    expect(world.processes.has(old.pid)).toBe(false);
    expect(world.ready()).toHaveLength(3);
    expect(world.logs('worker_recycled')[0]).toMatch(/has 101 MiB of private memory: replacing it$/);
  });
});
