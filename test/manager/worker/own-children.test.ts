/** A worker may fork, too. Its child has a copy of everything, and is no worker. */
import { expect, test } from 'vitest';
import { get, Managed } from '../../helpers/manager';

test('The child of a worker neither is one nor beats for it: the worker is found to hang, and says where.', async () => {
  const managed = await new Managed('server.js', { workers: 1, hangTimeout: 2000 }).started();
  void get({ port: managed.port }, '/fork').catch(() => {});
  const child = await managed.until('forked by a worker');
  expect(child['worker']).toBeNull();
  void get({ port: managed.port }, '/hang').catch(() => {});
  const { pid } = await managed.until('worker_hung');
  await managed.until('serving');
  process.kill(child.pid ?? 0, 'SIGKILL'); // it holds the output that is read to its end
  const { entries } = await managed.stop();
  const ofIt = entries.filter((entry) => entry.event === 'stack_reported' && entry.pid === pid);
  expect(ofIt).toHaveLength(1);
});
