/** The file in which workers leave the application's metrics: what is there is there whole, whoever writes what into it. */
import { writeSync } from 'node:fs';
import { afterAll, beforeAll, expect, test } from 'vitest';
import type { Family } from '../../../lib/manager/app-metrics/families';
import {
  LONGEST_PUBLICATION,
  lastAnswerIn,
  openMetricsFile,
  publicationIn,
  publish,
  rowsWithPublications,
  sizeOfPublication,
} from '../../../lib/manager/app-metrics/metrics-file';
import { Row } from '../../../lib/manager/scoreboard';

let fd = -1;
beforeAll(() => {
  expect(publicationIn(new Row(0))).toBeUndefined();
  fd = openMetricsFile();
});
afterAll(() => {
  openMetricsFile(-1);
});

const own: Family[] = [
  { name: 'open', help: 'ö', type: 'gauge', aggregator: 'sum', values: [{ value: 1, labels: {} }] },
];

test('What is published is what is read, the last time in each place, in the last place, too.', () => {
  const last = new Row(Row.count - 1);
  for (const round of [1, 2, 3]) publish(last, { pid: 7, round, own, gone: [] });
  publish(new Row(3), { pid: 8, round: -5, own: [], gone: own });
  expect(publicationIn(last)).toEqual({ pid: 7, round: 3, own, gone: [] });
  expect(publicationIn(new Row(3))).toEqual({ pid: 8, round: -5, own: [], gone: own });
  expect(lastAnswerIn(last)).toEqual({ pid: 7, round: 3 });
  expect(publicationIn(new Row(4))).toBeUndefined();
  expect(rowsWithPublications().map(({ index }) => index)).toEqual([3, Row.count - 1]);
});

test('Too much is refused, and what was there before stays.', () => {
  const row = new Row(5);
  publish(row, { pid: 7, round: 1, own, gone: [] });
  const help = 'x'.repeat(LONGEST_PUBLICATION);
  const tooMuch = () => publish(row, { pid: 7, round: 2, own: [{ ...own[0], help } as Family], gone: [] });
  expect(tooMuch).toThrow(expect.objectContaining({ code: 'ERR_PREFORK_OUT_OF_RANGE' }));
  expect(publicationIn(row)).toEqual({ pid: 7, round: 1, own, gone: [] });
});

/** A header: the worker, the question, how often, bytes, how often again. */
function writeHeader({ index }: Row, numbers: number[]): void {
  const header = new Uint8Array(Float64Array.from(numbers).buffer);
  writeSync(fd, header, 0, header.length, index * 64);
}

test.each<[what: string, header: number[]]>([
  ['is about to be written', [7, 1, 2, 10, 1]],
  ['has more bytes than there can be', [7, 1, 1, 1e12, 1]],
  ['has fewer than none', [7, 1, 1, -1, 1]],
  ['is no number', [7, 1, Number.NaN, 10, Number.NaN]],
])('A header that %s is none.', (_, header) => {
  const row = new Row(6);
  writeHeader(row, header);
  expect(publicationIn(row)).toBeUndefined();
  expect(lastAnswerIn(row)).toBeUndefined();
  expect(sizeOfPublication(row)).toBe(0);
});

test.each([0, 2, LONGEST_PUBLICATION])(
  'A header without what it speaks of has no metrics: %i bytes.',
  (bytes) => {
    const row = new Row(9);
    writeHeader(row, [7, 1, 1, bytes, 1]);
    expect(publicationIn(row)).toEqual({ pid: 7, round: 1, own: [], gone: [] });
  },
);

test('Who is killed before the header is written has left what was there.', () => {
  const row = new Row(11);
  publish(row, { pid: 7, round: 1, own, gone: [] });
  const half = LONGEST_PUBLICATION;
  const garbage = Buffer.from('{"own":[{"na');
  writeSync(fd, garbage, 0, garbage.length, Row.count * 64 + 2 * row.index * half); // where the second time goes
  expect(publicationIn(row)).toEqual({ pid: 7, round: 1, own, gone: [] });
});
