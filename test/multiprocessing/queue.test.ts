/** Queues between processes: whoever is killed, the others get whole messages, in order, and wait for nobody. */
import { readdirSync, readlinkSync, statSync } from 'node:fs';
import { Event, JoinableQueue, Pipe, Queue, SimpleQueue, Value } from 'prefork/multiprocessing';
import { expect, test } from 'vitest';
import { end, start } from './processes';

interface Message {
  from: number;
  number: number;
  bytes: Buffer;
}

test('Messages of writers that are killed are there whole, in order, or not at all.', async () => {
  const queue = new Queue<Message>(20);
  const write = (from: number) => {
    for (let number = 0; ; number++) {
      queue.putSync({ from, number, bytes: Buffer.alloc((number % 5) * 20_000, number) });
    }
  };
  const seen = new Map<number, number>();
  const check = ({ from, number, bytes }: Message) => {
    expect(number).toBe((seen.get(from) ?? -1) + 1);
    seen.set(from, number);
    expect(bytes.equals(Buffer.alloc((number % 5) * 20_000, number))).toBe(true);
  };
  for (let from = 0; from < 12; from++) {
    const writer = await start(() => write(from));
    while ((seen.get(from) ?? -1) < from) check(await queue.get());
    await end(writer);
  }
  while (!queue.empty()) check(queue.getNowait());
  expect(seen.size).toBe(12);
  await expect(queue.get(0)).rejects.toMatchObject({ name: 'Empty', code: 'ERR_PREFORK_EMPTY' });
});

test('A queue has as much room after its readers and writers were killed as it had before.', async () => {
  const [queue, taken] = [new Queue<number>(3), new Value('i')];
  const read = async () => {
    for (;;) {
      await queue.get();
      Atomics.add(taken.getObj(), 0, 1);
    }
  };
  const write = async () => {
    for (let i = 0; ; i++) await queue.put(i);
  };
  for (let i = 0; i < 12; i++) {
    const pair = [await start(read), await start(write)];
    const before = taken.value;
    while (taken.value < before + 3 * i) await new Promise(setImmediate);
    if (i % 2 === 1) pair.reverse();
    for (const process of pair) await end(process);
  }
  while (!queue.empty()) queue.getNowait();
  for (let i = 0; i < 3; i++) queue.putNowait(i);
  expect(() => queue.putNowait(3)).toThrow('full');
  const put = queue.put(3);
  expect([await queue.get(), await queue.get(), await queue.get()]).toEqual([0, 1, 2]);
  await put;
  expect(await queue.get()).toBe(3);
});

test('A message that a reader waits for goes to another if that one is killed.', async () => {
  const [queue, waiting] = [new Queue(), new Event()];
  const reader = await start(async () => {
    const message = queue.get();
    waiting.set();
    await message;
  });
  await waiting.wait();
  const message = queue.get();
  await end(reader);
  queue.putNowait('kept');
  expect(await message).toBe('kept');
});

test('Readers and writers of one process wait in order.', async () => {
  const queue = new Queue<number>(1);
  const got = Promise.all(Array.from({ length: 10 }, () => queue.get()));
  await Promise.all(Array.from({ length: 10 }, (_, i) => queue.put(i)));
  expect(await got).toEqual([0, 1, 2, 3, 4, 5, 6, 7, 8, 9]);
});

test('What can be copied by v8.serialize() comes out as it went in; the rest is an error of whoever puts it in.', async () => {
  const queue = new SimpleQueue();
  const value = { map: new Map([[1, new Date(0)]]), bytes: new Uint8Array([1]), none: undefined, big: 1n };
  queue.put(value);
  expect(await queue.get()).toEqual(value);
  expect(() => queue.put(() => {})).toThrow('could not be cloned');
  await expect(new Queue().put(() => {})).rejects.toThrow('could not be cloned');
  expect(queue.empty()).toBe(true);
});

/** The descriptors of files in which queues of this process are. */
function filesOfQueues(): string[] {
  return readdirSync('/proc/self/fd').filter((fd) => {
    try {
      return readlinkSync(`/proc/self/fd/${fd}`).startsWith('/memfd:prefork-queue');
    } catch {
      return false; // the one that this list was read from
    }
  });
}

test('A queue gives the memory back of what was taken, also when it is never empty.', async () => {
  const others = filesOfQueues();
  const queue = new Queue<Uint8Array>();
  const [file] = filesOfQueues().filter((fd) => !others.includes(fd));
  const bytesOfQueue = () => statSync(`/proc/self/fd/${file}`).blocks * 512;
  const bytes = new Uint8Array(1_000_000);
  queue.putNowait(bytes);
  for (let i = 0; i < 50; i++) {
    queue.putNowait(bytes);
    expect(queue.getNowait()).toHaveLength(bytes.length);
    expect(bytesOfQueue()).toBeLessThan(5_000_000);
  }
  queue.getNowait();
  expect(bytesOfQueue()).toBe(0);
  queue.close();
});

test('close() is heard by those that wait in this process, and by nobody else.', async () => {
  const queue = new Queue();
  const got = queue.get();
  const other = await start(() => queue.get());
  queue.close();
  await expect(got).rejects.toMatchObject({ code: 'ERR_PREFORK_INVALID_STATE' });
  expect(other.isAlive()).toBe(true);
  await end(other);
});

test('Descriptors are closed by close().', async () => {
  const count = () => readdirSync('/proc/self/fd').length;
  new Queue().close();
  const before = count();
  const queues = [new Queue(), new JoinableQueue(), new SimpleQueue()];
  const ends = Pipe();
  expect(count()).toBe(before + 5);
  for (const each of [...queues, ...ends]) each.close();
  expect(count()).toBe(before);
});

test('A connection that is closed tells those that wait for it in this process.', async () => {
  const [reader, writer] = Pipe(false);
  const waiting = Promise.allSettled([reader.recv(), reader.poll(null), reader.poll(1e6)]);
  reader.close();
  const closed = { status: 'rejected', reason: { code: 'ERR_PREFORK_INVALID_STATE' } };
  expect(await waiting).toMatchObject([closed, closed, closed]);
  writer.close();
});

test('Messages into a pipe go out in the order of the calls, and no faster than they are read.', async () => {
  const [reader, writer] = Pipe(false);
  const sizes = [3_000_000, 1, 500_000, 0, 2_000_000];
  const sent = sizes.map((size) => writer.sendBytes(new Uint8Array(size)));
  let isSent = false;
  void Promise.all(sent).then(() => {
    isSent = true;
  });
  await new Promise(setImmediate);
  expect(isSent).toBe(false);
  for (const size of sizes) expect(await reader.recvBytes()).toHaveLength(size);
  await Promise.all(sent);
});
