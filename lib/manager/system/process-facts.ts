/** What the kernel tells everybody of a process (proc_pid_stat(5)). */
import { readFileSync } from 'node:fs';

/** Per second, on every architecture of Linux that Node runs on (USER_HZ). */
const TICKS = 100;

export interface ProcessFacts {
  /** Ended, and not reaped by its parent. */
  isZombie: boolean;
  /** Since the system was started, in ticks: with the pid it says which process it is. */
  started: number;
  /** Processor time so far, in milliseconds. */
  cpu: number;
}

/** Undefined: there is no such process. */
export function factsOf(pid: number): ProcessFacts | undefined {
  const fields = fieldsOf(pid);
  if (fields === undefined) return undefined;
  const [state = 'X'] = fields;
  const [user, system, started] = [fields[11], fields[12], fields[19]].map(Number);
  return {
    isZombie: state === 'Z' || state === 'X',
    started: started ?? 0,
    cpu: (((user ?? 0) + (system ?? 0)) / TICKS) * 1000,
  };
}

/** When it was started. */
export function startOf({ started }: ProcessFacts): Date {
  const uptime = Number(readFileSync('/proc/uptime', 'latin1').split(' ')[0]);
  return new Date(Date.now() - (uptime - started / TICKS) * 1000);
}

/** Whose it is; undefined: there is no such process. */
export function userOf(pid: number): number | undefined {
  const [, real] = /^Uid:\t(\d+)/m.exec(read(`/proc/${pid}/status`) ?? '') ?? [];
  return real === undefined ? undefined : Number(real);
}

/** What comes after the name, which is in parentheses and may hold anything. */
function fieldsOf(pid: number): string[] | undefined {
  return read(`/proc/${pid}/stat`)?.split(') ').at(-1)?.split(' ');
}

function read(path: string): string | undefined {
  try {
    return readFileSync(path, 'latin1');
  } catch {
    return undefined;
  }
}
