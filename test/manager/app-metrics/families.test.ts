/** Metrics that another process has written: what is not well formed is not taken; what is left of one that has ended. */
import { expect, test } from 'vitest';
import {
  agreed,
  checkedFamilies,
  type Family,
  lasting,
  since,
} from '../../../lib/manager/app-metrics/families';

const FAMILY: Family = {
  name: 'hits_total',
  help: 'Hits.',
  type: 'counter',
  aggregator: 'sum',
  values: [{ value: 3, labels: { path: '/', code: 200 } }],
};

test.each<[what: string, fields: object]>([
  ['a name with a line of its own', { name: 'x 1\nprefork_requests_total' }],
  ['no name', { name: undefined }],
  ['a name without end', { name: 'x'.repeat(10_000) }],
  ['a help that is none', { help: 7 }],
  ['a type that there is not', { type: 'untyped' }],
  ["a way to add that is every object's", { aggregator: 'constructor' }],
  ['metrics that are of one process', { aggregator: 'omit' }],
  ['no values', { values: null }],
])('A metric with %s is not taken.', (_, fields) => {
  expect(checkedFamilies([{ ...FAMILY, ...fields }, FAMILY])).toEqual([FAMILY]);
});

test.each<[what: string, value: unknown]>([
  ['no number', { value: null, labels: {} }],
  ['text', { value: '1\nx 2', labels: {} }],
  ['a count below zero', { value: -1, labels: {} }],
  ['a label with a line of its own', { value: 1, labels: { 'a="1"} 5\nb{c': 'd' } }],
  ['a label that is an object', { value: 1, labels: { a: {} } }],
  ['nothing', null],
])('A value that is %s is not taken.', (_, value) => {
  expect(checkedFamilies([{ ...FAMILY, values: [value, ...FAMILY.values] }])).toEqual([FAMILY]);
});

test('What is no list of metrics has none; what belongs to nobody is left out.', () => {
  for (const value of [null, 1, 'x', {}, [null, 1, 'x']]) expect(checkedFamilies(value)).toEqual([]);
  const values = [{ ...FAMILY.values[0], metricName: 'other', exemplar: {} }];
  expect(checkedFamilies([{ ...FAMILY, values, toString: 1 }])).toEqual([FAMILY]);
});

const gauge: Family = { ...FAMILY, name: 'open', type: 'gauge' };
const summary: Family = {
  ...FAMILY,
  name: 'sizes',
  type: 'summary',
  values: [
    { value: 7, labels: { quantile: 0.5 } },
    { value: 70, labels: {}, metricName: 'sizes_sum' },
    { value: 10, labels: {}, metricName: 'sizes_count' },
  ],
};

test('Of a process that has ended counters, sums and counts are left, and no gauge, quantile or maximum.', () => {
  const largest: Family = { ...FAMILY, name: 'largest_total', aggregator: 'max' };
  expect(lasting([FAMILY, gauge, summary, largest])).toEqual([
    FAMILY,
    { ...summary, values: summary.values.slice(1) },
  ]);
});

test('What was counted before is subtracted, also where a label was added to all since; what was reset is zero.', () => {
  const labels = { path: '/', code: 200, region: 'eu' };
  const now = [
    {
      ...FAMILY,
      values: [
        { value: 5, labels },
        { value: 1, labels: { ...labels, path: '/new' } },
      ],
    },
  ];
  expect(since([...now, gauge], [FAMILY, gauge])).toEqual([
    {
      ...FAMILY,
      values: [
        { value: 2, labels },
        { value: 1, labels: { ...labels, path: '/new' } },
      ],
    },
    gauge,
  ]);
  expect(since([{ ...FAMILY, values: [{ value: 1, labels }] }], [FAMILY])[0]?.values).toEqual([
    { value: 0, labels },
  ]);
});

test('Of two kinds that a name has, the one counts that most processes have.', () => {
  const liar: Family = { ...FAMILY, aggregator: 'first' };
  expect(agreed([[liar], [FAMILY, gauge], [FAMILY]])).toEqual([[], [FAMILY, gauge], [FAMILY]]);
});
