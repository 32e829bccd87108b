/** What /proc says of processes. */
import { readdirSync, readFileSync, readlinkSync } from 'node:fs';
import { join } from 'node:path';

/** State, parent, group and so on: what comes after the name, which is in parentheses and may hold anything. */
function statOf(pid: string): string[] {
  try {
    return readFileSync(`/proc/${pid}/stat`, 'latin1').split(') ').at(-1)?.split(' ') ?? [];
  } catch {
    return []; // it has gone
  }
}

/** `R`, `S`, `Z` and so on; undefined if there is no such process. */
export function stateOf(pid: number): string | undefined {
  return statOf(String(pid))[0];
}

/** Its own children, in the order in which they were made: those that have ended, too, until it has reaped them. */
export function childrenOf(pid: number): number[] {
  return readFileSync(`/proc/${pid}/task/${pid}/children`, 'latin1').split(' ').filter(Boolean).map(Number);
}

/** Empty where it has ended. */
export function commandLineOf(pid: number): string {
  try {
    return readFileSync(`/proc/${pid}/cmdline`, 'latin1');
  } catch {
    return '';
  }
}

/** What stands behind its descriptors; nothing where it has ended. */
export function openFilesOf(pid: number): string[] {
  const folder = `/proc/${pid}/fd`;
  const target = (fd: string) => {
    try {
      return readlinkSync(join(folder, fd));
    } catch {
      return []; // closed meanwhile
    }
  };
  try {
    return readdirSync(folder).flatMap(target);
  } catch {
    return [];
  }
}

function isAliveIn(pid: string, group: number): boolean {
  const [state = 'X', , ownGroup] = statOf(pid);
  return Number(ownGroup) === group && state !== 'Z' && state !== 'X';
}

/** Processes of a group that are alive. */
export function aliveIn(group: number): number[] {
  return readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name) && isAliveIn(name, group))
    .map(Number);
}
