/** The rings in which workers write to one another: whole, in order, and who is behind knows what is lost. */
import { writeSync } from 'node:fs';
import { afterAll, beforeEach, expect, test } from 'vitest';
import {
  LONGEST_RECORD,
  type News,
  openRings,
  RING_BYTES,
  RingReader,
  RingWriter,
} from '../../lib/manager/rings';
import { Row } from '../../lib/manager/scoreboard';

let fd = -1;
beforeEach(() => {
  fd = openRings();
});
afterAll(() => {
  openRings(-1);
});

const [ONE, OTHER, READER] = [new Row(0), new Row(Row.count - 1), new Row(1)];

function read(reader: RingReader): { texts: string[]; lost: number } {
  const news: News[] = [...reader.read(Row.count)];
  return {
    texts: news.flatMap(({ records }) => records.map((each) => Buffer.from(each).toString())),
    lost: news.reduce((sum, { lost }) => sum + lost, 0),
  };
}

const nothing = { texts: [], lost: 0 };

test('What is written after a reader has begun is read once, in order, of each writer; not what the reader writes itself.', () => {
  const [one, other, own] = [ONE, OTHER, READER].map((row) => new RingWriter(row));
  one?.write(Buffer.from('before'));
  const reader = new RingReader(READER, Row.count);
  expect(read(reader)).toEqual(nothing);
  for (const text of ['a', '', 'ö']) one?.write(Buffer.from(text));
  other?.write(Buffer.from('b'));
  own?.write(Buffer.from('own'));
  expect(read(reader)).toEqual({ texts: ['a', '', 'ö', 'b'], lost: 0 });
  expect(read(reader)).toEqual(nothing);
});

test('A line in which nobody had written when a reader began is read from its first record.', () => {
  const reader = new RingReader(READER, READER.index + 1);
  const writer = new RingWriter(OTHER);
  for (const text of ['a', 'b']) writer.write(Buffer.from(text));
  expect(read(reader)).toEqual({ texts: ['a', 'b'], lost: 0 });
  expect(read(reader)).toEqual(nothing);
});

test('Records that lie across the end of the ring are whole, and the one after the last worker goes on.', () => {
  const reader = new RingReader(READER, Row.count);
  for (let i = 0; i < 13; i++) {
    const text = String.fromCharCode(97 + i).repeat(LONGEST_RECORD - 1000 * i);
    new RingWriter(ONE).write(Buffer.from(text));
    const { texts, lost } = read(reader);
    expect([texts.map((each) => each === text), lost]).toEqual([[true], 0]);
  }
});

test('Who is behind by more than the ring has loses it, hears how much, and goes on with what comes then.', () => {
  const writer = new RingWriter(ONE);
  const reader = new RingReader(READER, Row.count);
  const record = Buffer.alloc(RING_BYTES / 8);
  for (let i = 0; i < 7; i++) writer.write(record); // with its length each is a little more than an eighth
  expect(read(reader).lost).toBe(0);
  for (let i = 0; i < 8; i++) writer.write(record);
  expect(read(reader)).toEqual({ texts: [], lost: 8 });
  writer.write(Buffer.from('then'));
  expect(read(reader)).toEqual({ texts: ['then'], lost: 0 });
});

/** How often it was written, what may be written over, the end, how many records, how often again. */
function writeHeader({ index }: Row, numbers: number[]): void {
  const header = new Uint8Array(Float64Array.from(numbers).buffer);
  writeSync(fd, header, 0, header.length, index * 64);
}

test.each<[what: string, header: number[]]>([
  ['is about to be written', [2, 10, 10, 1, 1]],
  ['is no number', [1, Number.NaN, Number.NaN, 1, 1]],
  ['counts what is no number', [1, 10, 10, Number.NaN, 1]],
  ['is below zero', [1, 10, -10, 1, 1]],
  ['ends behind what was reserved', [1, 10, 20, 1, 1]],
  ['has more than there can be', [1, 1e15, 1e15, 3, 1]],
  ['speaks of what is no record', [1, 3, 3, 1, 1]],
])('A header that %s breaks nobody, and its worker goes on with the next record.', (_, header) => {
  const writer = new RingWriter(ONE);
  const reader = new RingReader(READER, Row.count);
  writer.write(Buffer.from('first'));
  expect(read(reader).texts).toEqual(['first']);
  writeHeader(ONE, header);
  const { texts, lost } = read(reader);
  expect(texts).toEqual([]);
  expect(Number.isSafeInteger(lost) && lost >= 0).toBe(true);
  writer.write(Buffer.from('second'));
  read(reader); // it may have to find its place again
  writer.write(Buffer.from('third'));
  expect(read(reader)).toEqual({ texts: ['third'], lost: 0 });
});

test('What is about to be written over while it is read is lost.', () => {
  const writer = new RingWriter(ONE);
  const reader = new RingReader(READER, Row.count);
  writer.write(Buffer.alloc(100));
  writeHeader(ONE, [3, RING_BYTES + 1, 104, 1, 3]);
  expect(read(reader)).toEqual({ texts: [], lost: 1 });
  writeHeader(ONE, [4, RING_BYTES + 1, 104, 1, 4]);
  expect(read(reader)).toEqual(nothing);
});

test('Bytes that are no records are lost as one who lies has them, and no more.', () => {
  const writer = new RingWriter(ONE);
  const reader = new RingReader(READER, Row.count);
  writer.write(Buffer.alloc(100));
  writeSync(fd, Buffer.alloc(8, 0xff), 0, 8, Row.count * 64);
  expect(read(reader)).toEqual({ texts: [], lost: 1 });
  writer.write(Buffer.from('then'));
  expect(read(reader)).toEqual({ texts: ['then'], lost: 0 });
});
