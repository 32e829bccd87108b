/** What becomes of a pool at its end, and of the calls that are under way. */
import { readdirSync, readlinkSync } from 'node:fs';
import { setImmediate, setTimeout } from 'node:timers/promises';
import { describe, expect, test } from 'vitest';
import { numbers, pool, readAll } from './pools';

/** What stands behind each descriptor, but for the one that lists them, when what is being closed is closed. */
async function openFiles(): Promise<string[]> {
  await setImmediate(); // the loop closes handles after that
  await setImmediate();
  return readdirSync('/proc/self/fd').flatMap((fd) => {
    try {
      return `${fd} ${readlinkSync(`/proc/self/fd/${fd}`)}`;
    } catch {
      return [];
    }
  });
}

describe('The end of a pool', () => {
  test('close() waits for what is under way, and refuses the rest.', async () => {
    const closed = pool();
    const value = closed.run(async () => {
      await setTimeout(20);
      return 'done';
    });
    await closed.close();
    expect(await value).toBe('done');
    await expect(closed.run(() => 1)).rejects.toMatchObject({ code: 'ERR_PREFORK_CLOSED' });
    await expect(closed.map([1], (n) => n)).rejects.toMatchObject({ code: 'ERR_PREFORK_CLOSED' });
    expect(() => closed.imap([1], (n) => n)).toThrow('was closed');
  });

  test('join() wants it closed before.', async () => {
    const open = pool();
    await expect(open.join()).rejects.toMatchObject({ code: 'ERR_PREFORK_BUSY' });
    open.close();
    await open.join();
  });

  test('terminate(), and `await using`, end what is under way.', async () => {
    const ended = pool();
    const both = Promise.allSettled([
      ended.run(() => setTimeout(1_000_000)),
      ended.map(numbers(3), () => setTimeout(1_000_000)),
    ]);
    await ended[Symbol.asyncDispose]();
    for (const { status, reason } of (await both) as PromiseRejectedResult[]) {
      expect({ status, code: reason.code }).toEqual({ status: 'rejected', code: 'ERR_PREFORK_CLOSED' });
    }
  });

  test('terminate() waits for no reader, who hears of it when reading on.', async () => {
    const ended = pool({ processes: 1 });
    const values = ended.imap(numbers(100), (n) => n);
    expect((await values.next()).value).toBe(0);
    await ended.terminate();
    await expect(readAll(values)).rejects.toMatchObject({ code: 'ERR_PREFORK_CLOSED' });
  });

  test('Nothing is left behind: no descriptor.', async () => {
    const one = pool();
    await one.map(numbers(10), (n) => n);
    const before = await openFiles();
    for (let i = 0; i < 3; i++) await one.map(numbers(10), (n) => n);
    await one.map(numbers(10), () => process.exit(1)).catch(() => {});
    for await (const _ of one.imap(numbers(10), (n) => n)) break;
    expect(await openFiles()).toEqual(before);
  });
});
