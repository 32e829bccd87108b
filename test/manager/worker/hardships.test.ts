/** What the manager does in a worker never ends it, and the worker never outlives the manager. */
import { expect, test } from 'vitest';
import { get, Managed } from '../../helpers/manager';

const isRoot = process.getuid?.() === 0;

/** No worker is taken for hung because the machine has other things to do. */
const settings = { workers: 1, hangTimeout: 0 };

const LIMITED = ['sh', '-c', 'ulimit -n 60; exec "$@"', 'sh'];

test('A worker without a descriptor to spare lives on, serves, and ends as it should.', async () => {
  const env = { HARDSHIP: 'no descriptor is left' };
  const managed = await new Managed('hardships.js', settings, { env, under: LIMITED }).started();
  expect(await managed.until('endured')).toMatchObject({ code: 'EMFILE' });
  expect(await get({ port: managed.port })).toMatch(/^\d+$/);
  const { status, entries, stderr } = await managed.stop();
  expect(status).toBe(0);
  expect(stderr).toBe('');
  expect(entries.map(({ event }) => event)).not.toContain('worker_crashed');
});

test.each([
  ['its timers are fake', {}],
  ['all by which one measures is broken', {}],
  ['intrinsics are frozen', { NODE_OPTIONS: '--frozen-intrinsics --no-warnings' }],
])('A worker of which %s beats, serves, and ends as it should.', async (HARDSHIP, env) => {
  const managed = await new Managed('hardships.js', settings, { env: { ...env, HARDSHIP } }).started();
  await managed.until('endured');
  expect(await get({ port: managed.port })).toMatch(/^\d+$/);
  managed.signal('SIGHUP');
  await managed.until('replaced_all');
  const { status, entries, stderr } = await managed.stop();
  expect({ status, stderr }).toEqual({ status: 0, stderr: '' });
  expect(entries.filter(({ event }) => /crash|timed_out|failed/.test(event))).toEqual([]);
});

test.runIf(isRoot)('A worker that changes its user by itself dies with the manager.', async () => {
  const env = { HARDSHIP: 'it changes its user by itself' };
  const managed = await new Managed('hardships.js', settings, { env }).started();
  expect(await managed.until('endured')).toMatchObject({ uid: 65534 });
  managed.signal('SIGKILL');
  await managed.end(); // which is when nobody holds its output any more
});
