/** With what the calls of a pool reject, and that they end what they have begun. */
import { execFile } from 'node:child_process';
import { randomUUID } from 'node:crypto';
import { setTimeout } from 'node:timers/promises';
import { describe, expect, test } from 'vitest';
import { sharedCounters } from '../../..';
import { letChildrenEndFirst } from '../../helpers/children-end-first';
import { isAlive, numbers, pool } from './pools';

describe('map()', () => {
  test('rejects with the first error, and ends the others.', async () => {
    const failed = await pool()
      .map(numbers(10), async (n) => {
        const cause = new TypeError('why');
        if (n === 3) throw Object.assign(new RangeError('no 3', { cause }), { code: 'ERR_THREE' });
        if (n > 3) await setTimeout(1_000_000);
        return n;
      })
      .catch((error) => error);
    expect(failed).toMatchObject({ name: 'RangeError', message: 'no 3', code: 'ERR_THREE' });
    expect(failed.cause).toMatchObject({ name: 'TypeError', message: 'why' });
    expect(failed.stack).toContain('failures.test.ts');
  });

  test.each([
    [
      'is killed',
      () => process.kill(process.pid, 'SIGKILL'),
      { code: 'ERR_PREFORK_CHILD_KILLED', signal: 'SIGKILL' },
    ],
    ['exits', () => process.exit(0), { code: 'ERR_PREFORK_CHILD_EXITED', status: 0 }],
    [
      'waits for what cannot come',
      () => new Promise(() => {}),
      { code: 'ERR_PREFORK_CHILD_EXITED', message: expect.stringContaining('still pending') },
    ],
  ])('rejects if a child %s, and the pool goes on with another.', async (_, end, error) => {
    const two = pool();
    const failed = two.map(numbers(10), (n) => (n === 5 ? end() : n), { chunkSize: 1 });
    await expect(failed).rejects.toMatchObject(error);
    expect(await two.map([1], (n) => n)).toEqual([1]);
  });

  test('names the items that a child had in hand which ended.', async () => {
    const failed = pool().map(numbers(10), (n) => (n === 5 ? process.exit(7) : n), { chunkSize: 3 });
    await expect(failed).rejects.toThrow('exited with status 7 while it had items 3 to 5 in hand');
  });

  test('ends when it is aborted, with all that its children have started.', async () => {
    const controller = new AbortController();
    const started = sharedCounters([`started ${randomUUID()}`]);
    const [counter] = Object.values(started);
    const aborted = pool().map(
      numbers(2),
      async () => {
        const { pid } = execFile('/bin/sleep', ['1000']);
        counter?.add(pid);
        await setTimeout(1_000_000);
      },
      { signal: controller.signal, chunkSize: 2 },
    );
    while (counter?.value === 0) await setTimeout(1);
    controller.abort('why');
    await expect(aborted).rejects.toMatchObject({ code: 'ABORT_ERR', cause: 'why' });
    while (isAlive(counter?.value ?? 0)) await setTimeout(1);
  });

  test('is not begun when it was aborted before.', async () => {
    const aborted = pool().map([1], () => 1, { signal: AbortSignal.abort() });
    await expect(aborted).rejects.toMatchObject({ code: 'ABORT_ERR' });
  });

  test('fails with what a child has thrown also if that has ended before anybody could hear of it.', async () => {
    letChildrenEndFirst();
    const initializer = () => {
      throw new Error('of the initializer');
    };
    await expect(pool({ initializer }).map([1], (n) => n)).rejects.toThrow('of the initializer');
  });

  test('is ended when a child outgrows its limit.', async () => {
    const kept: Buffer[] = [];
    const grow = async () => {
      for (;;) {
        kept.push(Buffer.alloc(2 ** 20, 1));
        await setTimeout(1);
      }
    };
    await expect(pool({ memoryLimit: 30 }).map([1], grow)).rejects.toMatchObject({
      code: 'ERR_PREFORK_OUT_OF_MEMORY',
      message: expect.stringContaining('30 MB'),
    });
  });
});

describe('run()', () => {
  test('that waits for room is aborted at once.', async () => {
    const one = pool({ processes: 1 });
    const controller = new AbortController();
    const first = one.run(() => setTimeout(1_000_000));
    first.catch(() => {});
    const second = one.run(() => 1, { signal: controller.signal });
    controller.abort();
    await expect(second).rejects.toMatchObject({ code: 'ABORT_ERR' });
    await one.terminate();
    await expect(first).rejects.toMatchObject({ code: 'ERR_PREFORK_CLOSED' });
  });

  test('rejects as inChild() does, and takes its options.', async () => {
    await expect(pool().run(() => process.exit(3))).rejects.toMatchObject({ status: 3 });
    const late = pool().run(() => setTimeout(1_000_000), { timeout: 20 });
    await expect(late).rejects.toMatchObject({ code: 'ERR_PREFORK_TIMEOUT' });
    const aborted = pool().run(() => 1, { signal: AbortSignal.abort() });
    await expect(aborted).rejects.toMatchObject({ code: 'ABORT_ERR' });
  });
});
