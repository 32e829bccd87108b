/** When memory runs out, a worker goes before the manager, and is said to. */
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { expect, test } from 'vitest';
import { OutOfMemoryWatch } from '../../../lib/manager/system/out-of-memory';
import { folderWith } from '../../helpers/command';
import { Managed } from '../../helpers/manager';
import { isRoot } from '../../helpers/nobody';

const scoreOf = (pid: number | string) => Number(readFileSync(`/proc/${pid}/oom_score_adj`, 'latin1'));

test.each([{}, ...(isRoot ? [{ user: 'nobody' }] : [])])(
  'A worker has a higher score than its manager, which keeps its own: %j.',
  async (settings) => {
    const managed = await new Managed('server.js', { workers: 1, ...settings }).started();
    const { pid } = await managed.ask<{ pid: number }>('/worker');
    expect(scoreOf(managed.program.pid)).toBe(scoreOf('self'));
    expect(scoreOf(pid)).toBeGreaterThan(scoreOf('self'));
    expect((await managed.stop()).status).toBe(0);
  },
);

test.each([
  ['0::/system.slice/shop.service', 'system.slice/shop.service/memory.events'],
  ['4:memory:/x\n0::/shop', 'unified/shop/memory.events'],
  ['0::/of/the/host', 'memory.events'],
  ['5:cpu:/\n4:memory:/shop', 'memory/shop/memory.oom_control'],
])(
  'Of the group %j it reads the counter of what the kernel has killed, and counts each once.',
  (group, file) => {
    const root = folderWith({ 'proc/self/cgroup': `${group}\n` }, { packages: false });
    const counter = join(root, 'sys', 'fs', 'cgroup', file);
    const count = (kills: number) =>
      writeFileSync(counter, `max 7\noom 3\noom_kill ${kills}\noom_group_kill 0\n`);
    mkdirSync(dirname(counter), { recursive: true });
    count(1);
    const watch = new OutOfMemoryWatch(root);
    expect(watch.hasKilled()).toBe(false);
    count(3);
    expect([watch.hasKilled(), watch.hasKilled(), watch.hasKilled()]).toEqual([true, true, false]);
  },
);

test('Where there is no such counter nothing is said to have run out of memory.', () => {
  const root = folderWith({ 'proc/self/cgroup': '0::/\n' }, { packages: false });
  expect(new OutOfMemoryWatch(root).hasKilled()).toBe(false);
  expect(new OutOfMemoryWatch(join(root, 'none')).hasKilled()).toBe(false);
});
