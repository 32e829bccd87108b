/** The file of a queue: whoever is killed while it changes what counts leaves what counted before. */
import { expect, onTestFinished, test, vi } from 'vitest';
import { binding } from '../../lib/base/binding';
import { MessageFile } from '../../lib/multiprocessing/message-file';

const SELECTOR = 3;

function newFile(): MessageFile {
  const [copies, selector] = [1, 2].map(() => new Int32Array(new SharedArrayBuffer(4096)));
  const file = new MessageFile(copies as Int32Array, selector as Int32Array, SELECTOR);
  onTestFinished(() => file.close());
  return file;
}

const put = (file: MessageFile, text: string) => file.commit(file.append(Buffer.from(text)));

function take(file: MessageFile): string {
  const { tail } = file.read();
  const [bytes, next] = file.first();
  file.commit(next);
  file.forget(tail);
  return String(bytes);
}

const die = () => {
  throw new Error('killed');
};

test.each([
  ['writes what it is to be', () => vi.spyOn(Float64Array.prototype, 'set').mockImplementation(die)],
  ['has written that', () => vi.spyOn(Atomics, 'store').mockImplementation(die)],
])('Killed when it %s, a process changes nothing, whichever copy counts.', (_, kill) => {
  const file = newFile();
  for (const text of ['a', 'b', 'c']) {
    put(file, text);
    const before = file.read();
    for (const change of [() => put(file, 'lost'), () => take(file)]) {
      const killed = kill();
      try {
        expect(change).toThrow('killed');
      } finally {
        killed.mockRestore();
      }
      expect(file.read()).toEqual(before);
    }
  }
  expect([take(file), take(file), take(file)]).toEqual(['a', 'b', 'c']);
});

test('A file that is empty begins anew; what was put in is counted until it is dealt with.', () => {
  const file = newFile();
  for (const text of ['one', 'two']) put(file, text);
  expect(file.read()).toMatchObject({ head: 0, count: 2, unfinished: 2 });
  expect([take(file), take(file)]).toEqual(['one', 'two']);
  expect(file.read()).toEqual({ head: 0, tail: 0, count: 0, unfinished: 2, forgotten: 0 });
});

test('Messages come out as they were put in, however long: those that are written by one call and those that take two.', () => {
  const file = newFile();
  const texts = [0, 1, 8184, 8191, 8192, 8193, 8200, 70_000, 3].map((length) =>
    String.fromCharCode(97 + (length % 26)).repeat(length),
  );
  for (const text of texts) put(file, text);
  for (const text of texts) expect(take(file) === text, `${text.length} bytes`).toBe(true);
});

test('The memory of what was taken is given back a megabyte at a time, each once.', () => {
  const forget = vi.spyOn(binding, 'memory_file_forget');
  onTestFinished(() => forget.mockRestore());
  const file = newFile();
  const large = 'x'.repeat(400_000);
  for (let i = 0; i < 10; i++) put(file, large);
  for (let i = 0; i < 9; i++) take(file);
  expect(forget).toHaveBeenCalledTimes(3);
  expect(take(file)).toBe(large);
  expect(file.read()).toMatchObject({ head: 0, count: 0, forgotten: 0 });
});
