/** What the kernel tells everybody of a process (proc_pid_stat(5), proc_pid_status(5)). */
import { readFileSync } from 'node:fs';

/** Per second, on every architecture of Linux that Node runs on (USER_HZ). */
const TICKS = 100;

export interface ProcessFacts {
  /** A letter: `R` runs, `S` sleeps, `T` is stopped. */
  state: string;
  /** Ended, and not reaped by its parent. */
  isZombie: boolean;
  /** Since the system was started, in ticks: with the pid it says which process it is. */
  started: number;
  /** Processor time so far, in milliseconds; and that of all children that it has waited for. */
  cpu: number;
  childrenCpu: number;
}

/** In bytes. */
export interface MemoryFacts {
  /** What it has for itself, and what it shares with others. */
  resident: number;
  /** Memory of the kernel in which it is written where each page is. */
  pageTables: number;
}

/** Undefined: there is no such process. */
export function factsOf(pid: number): ProcessFacts | undefined {
  const fields = fieldsOf(pid);
  if (fields === undefined) return undefined;
  const [state = 'X'] = fields;
  const number = (index: number) => Number(fields[index] ?? 0);
  const milliseconds = (...indices: number[]) =>
    (indices.reduce((ticks, index) => ticks + number(index), 0) / TICKS) * 1000;
  return {
    state,
    isZombie: state === 'Z' || state === 'X',
    started: number(19),
    cpu: milliseconds(11, 12),
    childrenCpu: milliseconds(13, 14),
  };
}

/** Undefined: there is no such process, or it has ended. */
export function memoryOf(pid: number): MemoryFacts | undefined {
  const text = read(`/proc/${pid}/status`) ?? '';
  const field = (name: string) => Number(new RegExp(`^${name}:\\s+(\\d+) kB$`, 'm').exec(text)?.[1]) * 1024;
  const [resident, pageTables] = [field('VmRSS'), field('VmPTE')];
  return Number.isNaN(resident) || Number.isNaN(pageTables) ? undefined : { resident, pageTables };
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
