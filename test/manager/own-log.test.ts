/** What the manager reports it has done first. */
import { expect, test } from 'vitest';
import { OwnLog } from '../../lib/manager/manager/own-log';

const entry = (message: string) => ({ level: 'error', event: 'fork_failed', message }) as const;

test('Nothing is written before it is time, and then all in the order in which it was noted, once.', () => {
  const written: string[] = [];
  const told: string[] = [];
  const log = new OwnLog(
    (format) =>
      ({ message }) =>
        written.push(`${format}: ${message}`),
    'plain',
    ({ message }) => told.push(message),
  );
  log.note(entry('first'));
  log.note(entry('second'));
  expect({ written, told }).toEqual({ written: [], told: ['first', 'second'] });
  log.setFormat('json');
  log.write();
  log.write();
  expect(written).toEqual(['json: first', 'json: second']);
});
