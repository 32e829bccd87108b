import { readFileSync, writeFileSync } from 'node:fs';

const FILE = '/proc/self/oom_score_adj';
/** In thousandths of the memory: enough to come before a manager that nobody has protected. */
const MORE = 300;
const MOST = 1000;

/**
 * When memory runs out, the kernel is to take this process, and those that are forked from it, before the manager. Anybody
 * may raise the number (proc_pid_oom_score_adj(5)), unless /proc cannot be written to, as in some containers: then the
 * kernel chooses by size alone.
 */
export function goBeforeTheManager(): boolean {
  try {
    const now = Number(readFileSync(FILE, 'latin1'));
    writeFileSync(FILE, String(Math.min(MOST, now + MORE)));
    return true;
  } catch {
    return false;
  }
}
