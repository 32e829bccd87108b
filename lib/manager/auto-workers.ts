import { readFileSync } from 'node:fs';
import { availableParallelism } from 'node:os';

/**
 * As many workers as there are processors for them: those that this process may run on (sched_getaffinity(2)), and no
 * more than the quota of its control group lets it use, rounded up.
 */
export function autoWorkers(): number {
  return Math.max(1, Math.min(availableParallelism(), Math.ceil(cgroupQuota())));
}

/** In processors; Infinity without a limit. That of any group above counts as well. */
function cgroupQuota(): number {
  const quotas = groups().flatMap(({ root, path, quota }) =>
    ancestors(path).map((each) => quota(root + each)),
  );
  return Math.min(Number.POSITIVE_INFINITY, ...quotas);
}

interface Group {
  root: string;
  path: string;
  quota(directory: string): number;
}

/** Lines of /proc/self/cgroup: `0::/a/b` (version 2), `4:cpu,cpuacct:/a/b` (version 1). */
function groups(): Group[] {
  return read('/proc/self/cgroup')
    .split('\n')
    .flatMap((line): Group[] => {
      const [, controllers = '', path = ''] = /^\d+:([^:]*):(.*)$/.exec(line) ?? [];
      if (path === '') return [];
      if (controllers === '') return [{ root: '/sys/fs/cgroup', path, quota: quota2 }];
      if (!controllers.split(',').includes('cpu')) return [];
      return [{ root: '/sys/fs/cgroup/cpu', path, quota: quota1 }];
    });
}

/** `/a/b`, `/a`, `/`: in a container the files may be there under the last of them only. */
function ancestors(path: string): string[] {
  const parts = path.split('/').filter(Boolean);
  return Array.from({ length: parts.length + 1 }, (_, count) => `/${parts.slice(0, count).join('/')}`);
}

/** cpu.max: `max 100000` or `50000 100000` (Linux, cgroup-v2.rst). */
function quota2(directory: string): number {
  const [quota = 'max', period = ''] = read(`${directory}/cpu.max`).trim().split(' ');
  return ratio(quota, period);
}

function quota1(directory: string): number {
  return ratio(read(`${directory}/cpu.cfs_quota_us`).trim(), read(`${directory}/cpu.cfs_period_us`).trim());
}

function ratio(quota: string, period: string): number {
  const [used, of] = [Number(quota), Number(period)];
  return used > 0 && of > 0 ? used / of : Number.POSITIVE_INFINITY;
}

function read(file: string): string {
  try {
    return readFileSync(file, 'latin1');
  } catch {
    return '';
  }
}
