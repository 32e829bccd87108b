import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { availableParallelism, tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { expect, onTestFinished, test } from 'vitest';
import { autoWorkers } from '../../../lib/manager/system/auto-workers';
import { program } from '../../helpers/command';
import { ROOT } from '../../helpers/stdin';

/** A root with these files. */
function root(files: Record<string, string>): string {
  const folder = mkdtempSync(join(tmpdir(), 'prefork-test-'));
  onTestFinished(() => rmSync(folder, { recursive: true }));
  for (const [name, content] of Object.entries(files)) {
    mkdirSync(dirname(join(folder, name)), { recursive: true });
    writeFileSync(join(folder, name), content);
  }
  return folder;
}

// On one processor no quota could be seen.
const onSeveral = test.runIf(availableParallelism() > 1);

test('Without a quota it is the processors of the affinity mask.', () => {
  expect(autoWorkers(root({}))).toBe(availableParallelism());
  const files = { 'proc/self/cgroup': '0::/\n', 'sys/fs/cgroup/cpu.max': 'max 100000\n' };
  expect(autoWorkers(root(files))).toBe(availableParallelism());
  const v1 = { 'proc/self/cgroup': '3:cpu,cpuacct:/\n', 'sys/fs/cgroup/cpu/cpu.cfs_quota_us': '-1\n' };
  expect(autoWorkers(root(v1))).toBe(availableParallelism());
});

test('A process that is bound to one processor uses one.', async () => {
  const script = "process.stdout.write(String(require('./dist/manager/system/auto-workers').autoWorkers()))";
  const bound = program('taskset', ['-c', '0', process.execPath, '-e', script], { cwd: ROOT });
  expect(await bound.result).toEqual({ status: 0, signal: null, stdout: '1', stderr: '' });
});

onSeveral('The quota of cgroup v2 counts, also that of a group above, and the narrowest wins.', () => {
  const here = { 'proc/self/cgroup': '0::/a/b\n', 'sys/fs/cgroup/a/b/cpu.max': '100000 100000\n' };
  expect(autoWorkers(root(here))).toBe(1);
  const above = {
    'proc/self/cgroup': '0::/a/b\n',
    'sys/fs/cgroup/a/cpu.max': '150000 100000\n',
    'sys/fs/cgroup/a/b/cpu.max': 'max 100000\n',
  };
  expect(autoWorkers(root(above))).toBe(1);
});

onSeveral('In a container, where the path is one of the host, the mount itself counts.', () => {
  const files = { 'proc/self/cgroup': '0::/../../docker/1\n', 'sys/fs/cgroup/cpu.max': '50000 100000\n' };
  expect(autoWorkers(root(files))).toBe(1);
});

onSeveral('The quota of cgroup v1 counts.', () => {
  const files = {
    'proc/self/cgroup': '4:cpu,cpuacct:/app\n1:name=systemd:/app\n',
    'sys/fs/cgroup/cpu,cpuacct/app/cpu.cfs_quota_us': '100000\n',
    'sys/fs/cgroup/cpu,cpuacct/app/cpu.cfs_period_us': '100000\n',
  };
  expect(autoWorkers(root(files))).toBe(1);
});
