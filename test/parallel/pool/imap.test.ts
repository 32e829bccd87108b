/** What imap() and imapUnordered() yield, and when. */
import { randomUUID } from 'node:crypto';
import { setTimeout } from 'node:timers/promises';
import { describe, expect, test } from 'vitest';
import { sharedCounters } from '../../..';
import { numbers, pool, readAll } from './pools';

describe('imap()', () => {
  test('yields in the order of the items.', async () => {
    expect(await readAll(pool().imap(numbers(20), async (n) => n * 2))).toEqual(
      numbers(20).map((n) => n * 2),
    );
    expect(await readAll(pool().imap(numbers(20), (n, i) => n * i, { chunkSize: 3 }))).toEqual(
      numbers(20).map((n) => n * n),
    );
    expect(await readAll(pool().imap([], (n) => n))).toEqual([]);
  });

  test('yields the first while the last ones are still being worked on; who stops early ends them.', async () => {
    const endless = pool().imap(numbers(10), async (n) => {
      if (n > 0) await setTimeout(1_000_000);
      return n;
    });
    for await (const value of endless) {
      expect(value).toBe(0);
      break;
    }
  });

  test('takes items without end, and no more of them than its reader does.', async () => {
    let made = 0;
    let hasEnded = false;
    async function* endless() {
      try {
        for (;;) yield { number: made++ };
      } finally {
        hasEnded = true;
      }
    }
    const seen: number[] = [];
    for await (const value of pool().imap(endless(), ({ number }) => number * 2)) {
      expect(made).toBeLessThanOrEqual(seen.length + 10);
      if (seen.push(value) === 100) break;
    }
    expect(seen).toEqual(numbers(100).map((n) => n * 2));
    expect(hasEnded).toBe(true);
  });

  test('copies items that are larger than what a child can be sent at once, and the loop goes on.', async () => {
    const MEGABYTES = 3;
    function* large() {
      for (let i = 0; i < 6; i++) yield { text: String.fromCharCode(97 + i).repeat(MEGABYTES * 2 ** 20) };
    }
    let turns = 0;
    const turn = setInterval(() => turns++, 1);
    const ends = pool({ processes: 2 }).imap(large(), ({ text }) => text);
    const texts = await readAll(ends);
    clearInterval(turn);
    expect(texts.map((text) => text.length)).toEqual(Array(6).fill(MEGABYTES * 2 ** 20));
    expect(texts.map((text) => `${text[0]}${text.at(-1)}`).join(' ')).toBe('aa bb cc dd ee ff');
    expect(turns).toBeGreaterThan(0);
  });

  test('yields what is there while its source keeps it waiting.', async () => {
    async function* slow() {
      yield 1;
      yield 2;
      await new Promise(() => {});
    }
    const values = pool().imap(slow(), (n) => n);
    expect([(await values.next()).value, (await values.next()).value]).toEqual([1, 2]);
    await values.return();
  });

  test('throws at the item whose function has thrown.', async () => {
    const seen: number[] = [];
    const failing = async () => {
      const values = pool({ processes: 1 }).imap(numbers(5), (n) => {
        if (n === 2) throw new Error('no 2');
        return n;
      });
      for await (const value of values) seen.push(value);
    };
    await expect(failing()).rejects.toThrow('no 2');
    expect(seen).toEqual([0, 1]);
  });

  test('throws what its source throws, after all that came before.', async () => {
    function* broken() {
      yield 1;
      yield 2;
      throw new Error('no 3');
    }
    const seen: number[] = [];
    const failing = async () => {
      for await (const value of pool().imap(broken(), (n) => n)) seen.push(value);
    };
    await expect(failing()).rejects.toThrow('no 3');
    expect(seen).toEqual([1, 2]);
  });
});

describe('imapUnordered()', () => {
  test('yields each as soon as it is there.', async () => {
    const told = sharedCounters([`told ${randomUUID()}`]);
    const [counter] = Object.values(told);
    const work = async (n: number) => {
      while (n === 0 && counter?.value === 0) await setTimeout(1);
      return n;
    };
    const seen: number[] = [];
    for await (const value of pool().imapUnordered(numbers(5), work)) {
      if (seen.push(value) === 4) counter?.add(); // the first one is the last
    }
    expect(seen.at(-1)).toBe(0);
    expect(seen.toSorted()).toEqual(numbers(5));
  });

  test('throws as soon as something fails.', async () => {
    const work = async (n: number) => {
      if (n === 1) throw new Error('no 1');
      await setTimeout(1_000_000);
    };
    await expect(readAll(pool().imapUnordered(numbers(5), work))).rejects.toThrow('no 1');
  });
});
