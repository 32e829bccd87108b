/** Who may have a child for which imap() has nothing to do. */
import { setImmediate } from 'node:timers/promises';
import { describe, expect, test } from 'vitest';
import { stateOf } from '../../helpers/proc';
import { isAlive, numbers, pool } from './pools';

/** 1, and 2 when it is told to go on. */
function twoItems() {
  let goOn = () => {};
  const told = new Promise<void>((resolve) => {
    goOn = resolve;
  });
  async function* items() {
    yield 1;
    await told;
    yield 2;
  }
  return { items: items(), goOn: () => goOn() };
}

describe('imap()', () => {
  test('gives room to another call that comes when its children have nothing to do.', async () => {
    const { items, goOn } = twoItems();
    const one = pool({ processes: 1 });
    const values = one.imap(items, (n) => n);
    expect((await values.next()).value).toBe(1);
    expect(await one.run(() => 'another call')).toBe('another call');
    goOn();
    expect((await values.next()).value).toBe(2);
    expect((await values.next()).done).toBe(true);
  });

  test('has another child for one that was killed when it had nothing to do.', async () => {
    const { items, goOn } = twoItems();
    const values = pool({ processes: 1 }).imap(items, () => process.pid);
    const first = (await values.next()).value as number;
    process.kill(first, 'SIGKILL');
    while (stateOf(first) !== undefined) await setImmediate();
    goOn();
    expect((await values.next()).value).not.toBe(first);
    expect((await values.next()).done).toBe(true);
  });

  test('keeps no child for what cannot come any more, though its reader is not done.', async () => {
    let end = () => {};
    const ended = new Promise<void>((resolve) => {
      end = resolve;
    });
    async function* oneItem() {
      yield 1;
      await ended;
    }
    const values = pool({ processes: 1 }).imap(oneItem(), () => process.pid);
    const pid = (await values.next()).value as number;
    end();
    while (isAlive(pid)) await setImmediate();
    expect((await values.next()).done).toBe(true);
  });

  test('leaves room for other calls while it has nothing to do.', async () => {
    const one = pool({ processes: 1 });
    const values = one.imap(numbers(100), (n) => n);
    for await (const value of values) {
      expect(await one.run(() => value + 1)).toBe(value + 1);
      if (value === 20) break;
    }
  });
});
