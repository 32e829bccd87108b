/** Whether the kernel has killed a process because memory ran out. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';

/** Counts what the kernel has killed in this process's control group because memory ran out. */
export class OutOfMemoryWatch {
  readonly #files: string[];
  /** How many had been killed when somebody looked last. */
  seen = 0;

  /**
   * @param root where /proc and /sys are, for tests
   * @param seen how many had been killed when an earlier program of this process looked last
   */
  constructor(root = '/', seen?: number) {
    this.#files = countersOf(root);
    this.seen = seen ?? this.#count();
  }

  /** Whether a process that was killed just now may have been one of them. */
  hasKilled(): boolean {
    const count = this.#count();
    const isOne = count > this.seen;
    this.seen = isOne ? this.seen + 1 : count;
    return isOne;
  }

  #count(): number {
    const [count] = this.#files.flatMap((file) => /^oom_kill (\d+)$/m.exec(read(file))?.[1] ?? []);
    // Without a descriptor to read with it is as it was.
    return count === undefined ? this.seen : Number(count);
  }
}

/**
 * `memory.events` of cgroup v2, where that is mounted alone or beside v1, and what v1 has for it. In a container the path may
 * be one of the host's; then the folder of the mount is the container's own group.
 */
function countersOf(root: string): string[] {
  const groups = read(join(root, 'proc/self/cgroup')).split('\n');
  return groups.flatMap((line) => {
    const [, controllers, path = ''] = /^\d+:([^:]*):(\/.*)$/.exec(line) ?? [];
    const files =
      controllers === ''
        ? ['', 'unified'].map((mount) => (each: string) => join(mount, each, 'memory.events'))
        : controllers === 'memory'
          ? [(each: string) => join('memory', each, 'memory.oom_control')]
          : [];
    return files.flatMap((file) => [file(path), file('')].map((each) => join(root, 'sys/fs/cgroup', each)));
  });
}

function read(file: string): string {
  try {
    return readFileSync(file, 'latin1');
  } catch {
    return '';
  }
}
