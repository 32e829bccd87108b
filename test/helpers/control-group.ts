/** Control groups of a test's own, where root may make them: of cgroup v2, or of v1 where that has the controller. */
import { existsSync, mkdirSync, readFileSync, rmdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { onTestFinished } from 'vitest';

type Controller = 'memory' | 'pids';

const MOUNT = '/sys/fs/cgroup';

/** The file of the limit is called otherwise in cgroup v1 (memory.rst of the kernel's documentation). */
const LIMITS: Record<Controller, readonly string[]> = {
  memory: ['memory.max', 'memory.limit_in_bytes'],
  pids: ['pids.max'],
};

let made = 0;

function parentOf(controller: Controller): string {
  const own = join(MOUNT, controller);
  if (existsSync(own)) return own;
  writeFileSync(join(MOUNT, 'cgroup.subtree_control'), `+${controller}`);
  return MOUNT;
}

function limitOf(controller: Controller, folder: string): string {
  const found = LIMITS[controller].map((name) => join(folder, name)).find((path) => existsSync(path));
  if (found === undefined) throw new Error(`${folder} limits no ${controller}`);
  return found;
}

/** Whether this machine lets the tests limit that. */
export function canLimit(controller: Controller): boolean {
  try {
    const probe = join(parentOf(controller), `prefork-probe-${process.pid}`);
    mkdirSync(probe);
    try {
      const limit = limitOf(controller, probe);
      writeFileSync(limit, readFileSync(limit));
      return true;
    } finally {
      rmdirSync(probe);
    }
  } catch (error) {
    console.warn(`Without control groups (${controller}) nothing is limited: ${String(error)}`);
    return false;
  }
}

/** Gone when the test is over, and with it all that runs in it. */
export class ControlGroup {
  readonly #folder: string;
  readonly #limit: string;

  constructor(controller: Controller) {
    made += 1;
    this.#folder = join(parentOf(controller), `prefork-test-${process.pid}-${made}`);
    mkdirSync(this.#folder);
    this.#limit = limitOf(controller, this.#folder);
    onTestFinished(() => this.#remove());
  }

  /** A command that runs another one in this group. */
  get under(): string[] {
    return ['sh', '-c', 'echo $$ > "$0/cgroup.procs" && exec "$@"', this.#folder];
  }

  /** Of `pids`: how many it has. */
  get threads(): number {
    return Number(readFileSync(join(this.#folder, 'pids.current'), 'latin1'));
  }

  limit(amount: number | 'max'): void {
    writeFileSync(this.#limit, String(amount));
  }

  /** The last of its processes may only just have been killed. */
  async #remove(): Promise<void> {
    for (;;) {
      try {
        rmdirSync(this.#folder);
        return;
      } catch (error) {
        if ((error as NodeJS.ErrnoException).code !== 'EBUSY') throw error;
        await new Promise((resolve) => setTimeout(resolve, 10));
      }
    }
  }
}
