/** once(): one worker of the service does it, another one when that has ended; never two, never a child. */
import { expect, test } from 'vitest';
import { type Entry, Managed } from '../../helpers/manager';
import { run } from '../../helpers/run';

/** One begins when it is ready, whether or not all are, and whether or not the manager has logged that. */
const NAMES = ['begins', 'stops', 'never'];

function saidBy(entries: Entry[]): [event: string, pid: number | undefined][] {
  return entries.filter(({ event }) => NAMES.includes(event)).map(({ event, pid }) => [event, pid]);
}

test('One worker begins; killed, or asked to end by a reload, it is followed by one that is there.', async () => {
  const managed = new Managed('once.js', { workers: 3 });
  const first = (await managed.until('begins')).pid ?? 0;
  expect(managed.program.workers()).toContain(first);

  process.kill(first, 'SIGKILL');
  const second = await managed.until('begins');
  expect(second.pid).not.toBe(first);

  managed.signal('SIGHUP');
  expect((await managed.until('stops')).pid).toBe(second.pid);
  const third = await managed.until('begins');
  expect(third['generation']).toBe(1);

  managed.signal('SIGTERM');
  const { status, entries } = await managed.end();
  expect(status).toBe(0);
  expect(saidBy(entries)).toEqual([
    ['begins', first],
    ['begins', second.pid],
    ['stops', second.pid],
    ['begins', third.pid],
    ['stops', third.pid],
  ]);
});

test('A worker that cannot look, for want of a descriptor, takes nothing from one that is there.', async () => {
  const settings = { workers: 2 };
  const managed = new Managed('once.js', settings, { env: { NO_DESCRIPTORS: '1' } });
  const { pid: first = 0 } = await managed.until('begins');
  for (let looks = 0; looks < 5; looks++) await managed.until('looks', ({ pid }) => pid !== first);
  process.kill(first, 'SIGKILL');
  const { pid: second } = await managed.until('begins');
  const { status, entries } = await managed.stop();
  expect(status).toBe(0);
  expect(saidBy(entries)).toEqual([
    ['begins', first],
    ['begins', second],
    ['stops', second],
  ]);
});

test('A child that the worker forks hears that it is not to go on.', async () => {
  const managed = new Managed('once.js', { workers: 1 });
  const { pid = 0 } = await managed.until('begins');
  process.kill(pid, 'SIGWINCH');
  const stopped = await managed.until('stops');
  expect((await managed.until('child')).pid).toBe(stopped.pid);
  expect(stopped.pid).not.toBe(pid);
  expect((await managed.stop()).status).toBe(0);
});

test('Where no manager runs it begins at once.', async () => {
  const program = `
    const { once } = require('./dist/index.js');
    once('key', (signal) => console.log('begins', signal.aborted));
    for (const [key, work] of [[1, () => {}], ['key', 1]]) {
      try { once(key, work); } catch (error) { console.log(error.code, error.message); }
    }
  `;
  const { stdout, stderr } = await run('../..', { args: [], under: [process.execPath, '-e', program] });
  expect(stderr).toBe('');
  expect(stdout.split('\n').slice(0, -1)).toEqual([
    'ERR_PREFORK_INVALID_ARG_TYPE Expected a string for key but received 1 of type number',
    'ERR_PREFORK_INVALID_ARG_TYPE Expected a function for work but received 1 of type number',
    'begins false',
  ]);
});
