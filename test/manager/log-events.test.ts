/** The names of log events are permanent: machines read them. So are levels and fields, to which the compiler holds each line. */
import { expect, test } from 'vitest';
import { LOG_EVENTS } from '../../lib/manager/log-events';
import type { Log } from '../../lib/manager/settings';

test('The log tells of these events, under these names.', () => {
  expect(Object.keys(LOG_EVENTS).sort()).toMatchSnapshot();
});

test('A name is snake_case.', () => {
  for (const name of Object.keys(LOG_EVENTS)) expect(name).toMatch(/^[a-z]+(_[a-z]+)*$/);
});

test('Each event has its levels and its fields, and an entry with others does not compile.', () => {
  const levels = Object.entries(LOG_EVENTS).map(([name, event]) => {
    const fields = [
      ...('has' in event ? event.has : []),
      ...('mayHave' in event ? event.mayHave.map((field) => `${field}?`) : []),
    ];
    return [name, [event.level].flat().join(' or '), ...fields].join(' ');
  });
  expect(levels).toMatchSnapshot();

  const log: Log = () => {};
  const message = '';
  log({ level: 'error', event: 'worker_crashed', message, worker: 0, pid: 1 });
  // @ts-expect-error: a crash is an error
  log({ level: 'info', event: 'worker_crashed', message, worker: 0, pid: 1 });
  // @ts-expect-error: of a worker
  log({ level: 'error', event: 'worker_crashed', message });
  // @ts-expect-error: the start of the replacement of all is about none
  log({ level: 'info', event: 'replacement_started', message, worker: 0 });
  log({ level: 'error', event: 'hook_failed', message });
  log({ level: 'error', event: 'hook_failed', message, worker: 0, pid: 1 });
  // @ts-expect-error: no such event
  log({ level: 'error', event: 'hook_threw', message });
});
