/** What `workers: 'auto'` stands for. */
import { readFileSync } from 'node:fs';
import { availableParallelism } from 'node:os';
import { join } from 'node:path';

/**
 * The processors of this process's affinity mask, or as many as its cgroup's quota buys, whichever is less; at least
 * one. Part of a processor counts as none, as in libuv's uv_available_parallelism, which from Node 22 on knows the
 * quota of its own group.
 *
 * Source: sched_getaffinity(2); cpu.max of cgroup v2 and cpu.cfs_quota_us of v1, here and in every group above, of
 * which the narrowest counts. What cannot be read limits nothing. `cpuCount()` is Tornado's and knows neither.
 *
 * @param root where /proc and /sys are, for tests
 */
export function autoWorkers(root = '/'): number {
  return Math.max(1, Math.min(availableParallelism(), Math.floor(quota(root))));
}

function quota(root: string): number {
  const quotas = groupFolders(root).map(quotaOf);
  return Math.min(Number.POSITIVE_INFINITY, ...quotas);
}

/** The folder of this process's group and of all above it, in each hierarchy that limits processors. */
function groupFolders(root: string): string[] {
  return read(join(root, 'proc/self/cgroup'))
    .split('\n')
    .flatMap((line) => {
      const [, controllers = '', path] = /^\d+:([^:]*):(\/.*)$/.exec(line) ?? [];
      if (path === undefined) return [];
      if (controllers === '') return upwards(root, 'sys/fs/cgroup', path);
      if (!controllers.split(',').includes('cpu')) return [];
      return [
        ...upwards(root, 'sys/fs/cgroup/cpu', path),
        ...upwards(root, 'sys/fs/cgroup/cpu,cpuacct', path),
      ];
    });
}

/** In a container the path may be one of the host's; then the folder of the mount itself is what is left. */
function upwards(root: string, mount: string, path: string): string[] {
  const parts = path.split('/').filter((part) => part !== '' && part !== '..');
  return [...parts, ''].map((_, depth) => join(root, mount, ...parts.slice(0, depth)));
}

/** In processors; Infinity if there is no limit. */
function quotaOf(folder: string): number {
  const [v2Quota = '', v2Period = ''] = read(join(folder, 'cpu.max')).trim().split(' ');
  const v1Quota = read(join(folder, 'cpu.cfs_quota_us'));
  const v1Period = read(join(folder, 'cpu.cfs_period_us'));
  return Math.min(share(v2Quota, v2Period), share(v1Quota, v1Period));
}

/** `max` and -1 are no limit. */
function share(microseconds: string, period: string): number {
  const processors = Number.parseInt(microseconds, 10) / Number.parseInt(period, 10);
  return processors > 0 ? processors : Number.POSITIVE_INFINITY;
}

function read(file: string): string {
  try {
    return readFileSync(file, 'latin1');
  } catch {
    return '';
  }
}
