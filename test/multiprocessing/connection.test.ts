/** Connections: messages come whole and in turn, whatever else is under way, and every end says what it is. */
import { writeSync } from 'node:fs';
import { EOFError, Pipe, Process, Value } from 'prefork/multiprocessing';
import { expect, test } from 'vitest';

test('What there is room for is sent when send() returns, again and again.', async () => {
  const [reader, writer] = Pipe(false);
  for (const message of ['first', 'second', 'third']) {
    const sent = writer.send(message);
    expect(await reader.poll()).toBe(true); // it looks at once
    expect(await reader.recv()).toBe(message);
    await sent;
  }
});

test('Those that receive in one process get a whole message each, in the order of their calls.', async () => {
  const [reader, writer] = Pipe(false);
  const sizes = [1_000_000, 1, 300_000, 0];
  const received = Promise.all(sizes.map(() => reader.recvBytes()));
  for (const [index, size] of sizes.entries()) await writer.sendBytes(new Uint8Array(size).fill(index));
  for (const [index, bytes] of (await received).entries())
    expect(bytes.equals(new Uint8Array(sizes[index] as number).fill(index))).toBe(true);
});

test('What fails for one of them is not the error of the next.', async () => {
  const [reader, writer] = Pipe(false);
  const [torn, next] = [reader.recv(), reader.recv()];
  writeSync(writer.fileno(), Buffer.from([0, 0, 0, 9, 1])); // nine bytes are to follow
  writer.close();
  await expect(torn).rejects.toMatchObject({ code: 'ERR_PREFORK_EOF' });
  await expect(next).rejects.toBeInstanceOf(EOFError);
});

test('A child does not wait for the turn of its parent.', async () => {
  const [reader, writer] = Pipe(false);
  const received = reader.recv();
  const child = new Process(async () => {
    if ((await reader.recv()) !== 'for the child') process.exit(1);
  });
  await child.start();
  reader.close();
  await expect(received).rejects.toMatchObject({ code: 'ERR_PREFORK_INVALID_STATE' });
  await writer.send('for the child');
  await child.join();
  expect(child.exitcode).toBe(0);
});

test('A child closes the end at which its parent waits, and nobody hears of that.', async () => {
  const [[reader, writer], heard] = [Pipe(), new Value('i')];
  const child = new Process(async () => {
    reader.close();
    await writer.send('from the child');
  });
  child.start();
  const received = reader.recv().finally(() => Atomics.add(heard.getObj(), 0, 1));
  expect(await received).toBe('from the child');
  await child.join();
  expect([child.exitcode, heard.value]).toEqual([0, 1]);
});

test('Into an end that was closed before all was read nothing can be sent.', async () => {
  const [reader, writer] = Pipe();
  await writer.send('never read');
  reader.close();
  for (let i = 0; i < 2; i++) await expect(writer.send(1)).rejects.toMatchObject({ code: 'EPIPE' });
});

test('A length that needs eight bytes is understood, as Python writes it.', async () => {
  const [reader, writer] = Pipe(false);
  const header = Buffer.alloc(12);
  header.writeInt32BE(-1);
  header.writeBigUInt64BE(3n, 4);
  writeSync(writer.fileno(), Buffer.concat([header, Buffer.from('abc')]));
  expect(String(await reader.recvBytes())).toBe('abc');
});

test('Each end does what it is for, with what it is for.', async () => {
  const [reader, writer] = Pipe(false);
  await expect(reader.send(1)).rejects.toMatchObject({ code: 'ERR_PREFORK_INVALID_STATE' });
  await expect(writer.recv()).rejects.toMatchObject({ code: 'ERR_PREFORK_INVALID_STATE' });
  await expect(writer.sendBytes('text' as unknown as Uint8Array)).rejects.toMatchObject({
    code: 'ERR_PREFORK_INVALID_ARG_TYPE',
  });
  expect(() => Pipe(1 as unknown as boolean)).toThrow(TypeError);
});
