/** The names of log events are permanent: machines read them. */
import { expect, test } from 'vitest';
import { LOG_EVENTS } from '../../lib/manager/log-events';

test('The log tells of these events, under these names.', () => {
  expect(Object.keys(LOG_EVENTS).sort()).toMatchSnapshot();
});

test('A name is snake_case.', () => {
  for (const name of Object.keys(LOG_EVENTS)) expect(name).toMatch(/^[a-z]+(_[a-z]+)*$/);
});
