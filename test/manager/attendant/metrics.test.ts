/** What /metrics makes of what workers have counted, whatever that is. */
import { expect, test } from 'vitest';
import { monotonic } from '../../../lib/base/timers';
import { noAnswers } from '../../../lib/manager/answers';
import { Metrics } from '../../../lib/manager/attendant/metrics';
import { Row } from '../../../lib/manager/scoreboard';
import { HAPPENINGS, type Shown } from '../../../lib/manager/shown/form';

const ROW = 5;

function worker(): Row {
  const row = new Row(ROW);
  row.take({ id: 0, generation: 0, restarts: 0 });
  row.set('pid', process.pid);
  return row;
}

function shown(): Shown {
  const own = { id: 0, restarts: 0, phase: 'ready', startedAt: monotonic(), row: ROW } as const;
  return {
    pid: process.pid,
    prefork: '0.0.0',
    node: process.version,
    phase: 'running',
    name: null,
    application: null,
    newest: 0,
    generation: 0,
    since: 0,
    isReplacing: false,
    refused: null,
    addresses: [],
    unixSockets: {},
    wanted: 1,
    resizes: 0,
    ended: { workers: 0, requests: 0, answers: noAnswers() },
    crashes: 0,
    counts: Object.fromEntries(HAPPENINGS.map((what) => [what, 0])) as Shown['counts'],
    latest: [],
    reloadTime: null,
    reopened: 0,
    interval: 1000,
    processes: [{ pid: process.pid, role: 'worker', generation: 0, worker: own }],
  };
}

function samplesOf(metrics: Metrics): Map<string, number> {
  const families = metrics.families(shown());
  const samples = families.flatMap(({ name, values }) =>
    values.map(
      ({ value, labels, metricName }) =>
        [[metricName ?? name, ...Object.values(labels)].join(' '), value] as const,
    ),
  );
  return new Map(samples);
}

test('A duration counts in its own bucket and in all larger ones; a bound belongs to its bucket.', () => {
  const { answers } = worker();
  for (const milliseconds of [1, 5, 5.01, 700, 60_000]) answers.note(200, milliseconds);
  answers.note(404, 30);
  answers.note(999, 1); // no class, and an answer all the same
  const samples = samplesOf(new Metrics());
  const bucket = (le: number | string) => samples.get(`prefork_request_duration_seconds_bucket ${le}`);
  expect([0.005, 0.01, 0.05, 0.5, 1, 10, '+Inf'].map(bucket)).toEqual([3, 4, 5, 5, 6, 6, 7]);
  expect(samples.get('prefork_request_duration_seconds_count')).toBe(7);
  expect(samples.get('prefork_request_duration_seconds_sum')).toBeCloseTo(60.74201);
  expect(samples.get('prefork_responses_total 2xx')).toBe(5);
  expect(samples.get('prefork_responses_total 4xx')).toBe(1);
});

test('Whatever a worker writes there, counters are numbers and never go back.', () => {
  const row = worker();
  const count = row.counter('requests');
  const metrics = new Metrics();
  count(10);
  row.answers.note(200, 1000);
  const before = samplesOf(metrics);
  expect(before.get('prefork_requests_total')).toBe(10);
  for (const lie of [3, -1, Number.NaN, Number.POSITIVE_INFINITY, 1e300]) {
    row.set('requests', lie);
    row.answers.note(200, lie);
    const now = samplesOf(metrics);
    for (const [name, value] of now) {
      expect(Number.isFinite(value)).toBe(true);
      if (/_total|_duration_/.test(name)) expect(value).toBeGreaterThanOrEqual(before.get(name) ?? 0);
    }
    row.answers.free();
  }
});
