/** A shared counter sums up what all processes add, at any time, also those that have ended. */
import { expect, test } from 'vitest';
import { sharedCounters } from '../../lib/shared/counters';
import { runStdin } from '../helpers/stdin';

const CHILDREN = 4;
const ADDITIONS = 300_000; // enough for V8 to compile the loop

test('Nothing that processes add at the same time is lost, not even by those that are killed.', async () => {
  const { stdout, stderr } = await runStdin(`
    const { fork, sharedCounters, wait } = require('prefork');
    const { total, other } = sharedCounters(['total', 'other']);
    for (let child = 0; child < ${CHILDREN}; child++) {
      if (fork() !== 0) continue;
      for (let i = 0; i < ${ADDITIONS}; i++) total.add();
      other.add(-3);
      process.kill(process.pid, 'SIGKILL');
      for (;;);
    }
    for (let child = 0; child < ${CHILDREN}; child++) wait();
    console.log(total.value, other.value);
  `);
  expect({ stdout, stderr }).toEqual({ stdout: `${CHILDREN * ADDITIONS} ${CHILDREN * -3}\n`, stderr: '' });
});

test('A name is the same counter wherever it is asked for, also for the first time in two children.', async () => {
  const { stdout, stderr } = await runStdin(`
    const { fork, sharedCounters, wait } = require('prefork');
    sharedCounters([]);
    for (let child = 0; child < 2; child++) {
      if (fork() !== 0) continue;
      for (let name = 0; name < 1000; name++) sharedCounters(['name ' + name])['name ' + name].add(name);
      process.exit();
    }
    wait();
    wait();
    const names = Array.from({ length: 1000 }, (_, name) => 'name ' + name);
    const counters = sharedCounters(names);
    console.log(names.every((name, index) => counters[name].value === 2 * index));
  `);
  expect({ stdout, stderr }).toEqual({ stdout: 'true\n', stderr: '' });
});

test('Only integers can be added, and only names name.', () => {
  const { tested } = sharedCounters(['tested']);
  tested.add(2);
  tested.add();
  expect(tested.value).toBe(3);
  for (const wrong of [0.5, Number.NaN, 2 ** 53, '1', null]) {
    expect(() => tested.add(wrong as number)).toThrow(
      expect.objectContaining({ code: 'ERR_PREFORK_INVALID_ARG_TYPE' }),
    );
  }
  expect(() => sharedCounters('tested' as unknown as string[])).toThrow(
    /^Expected an array of strings for names/,
  );
  expect(() => sharedCounters([1] as unknown as string[])).toThrow(/^Expected a string for each of names/);
});

test('There are 4,096 of them at most.', async () => {
  const { stdout } = await runStdin(`
    const { sharedCounters } = require('prefork');
    const names = Array.from({ length: 4097 }, (_, name) => String(name));
    sharedCounters(names.slice(1));
    try {
      sharedCounters(names);
    } catch ({ name, code }) {
      console.log(name, code);
    }
  `);
  expect(stdout).toBe('RangeError ERR_PREFORK_OUT_OF_RANGE\n');
});
