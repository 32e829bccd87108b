import { closeSync, constants, fstatSync, readlinkSync } from 'node:fs';
import { setImmediate } from '../base/timers';
import { dup2 } from '../os';
import type { Place } from './place';
import { reopenCount } from './scoreboard';
import type { Log } from './settings';
import { openFile } from './system/paths';

const { O_APPEND, O_WRONLY } = constants;

const STANDARD_OUTPUTS = [1, 2] as const;

/** The name that each was opened by: after a rename the kernel knows only the new one. */
const names = new Map<number, string>();

/** Notes which files standard output and standard error go to; only regular files are ever reopened. */
export function rememberLogFiles(): void {
  for (const fd of STANDARD_OUTPUTS) {
    const name = fileBehind(fd);
    if (name !== undefined) names.set(fd, name);
  }
}

/** The names of standard output and standard error, for another program in this process. */
export function logFileNames(): [fd: number, name: string][] {
  return [...names];
}

/** They were opened by these names, whatever the kernel says now. */
export function takeLogFileNames(known: readonly (readonly [fd: number, name: string])[]): void {
  names.clear();
  for (const [fd, name] of known) names.set(fd, name);
}

/**
 * Reopens them: after a rotation the name stands for a new file. A worker needs its user's permission. Answers which
 * descriptors are new files now.
 */
export function reopenLogFiles(log: Log, who: { worker?: number; pid?: number } = {}): number[] {
  const reopened: number[] = [];
  for (const [fd, name] of names) {
    try {
      const { fd: opened } = openFile(name, {
        flags: O_WRONLY | O_APPEND,
        mode: 0o644,
        mayBelongToOwner: true,
      });
      dup2(opened, fd);
      closeSync(opened);
      reopened.push(fd);
    } catch (error) {
      // The directory is gone, or this process may not write there: the old file is better than none.
      const message = `Cannot reopen ${name}; still writing to the old file: ${String(error)}`;
      log({ level: 'warning', event: 'log_reopen_failed', message, ...who });
    }
  }
  return reopened;
}

/**
 * For a worker, at each beat: if the manager has asked for it, also calls the worker's own SIGUSR1 listeners, in a turn of
 * their own. What they throw is an uncaught exception, as with any signal.
 */
export function logReopener(log: Log, { worker, row, ...place }: Place): () => void {
  let { reopened } = place;
  row.set('reopened', reopened);
  return () => {
    if (reopenCount() === reopened) return;
    reopened = reopenCount();
    reopenLogFiles(log, { worker: worker.id, pid: worker.pid });
    row.set('reopened', reopened);
    if (process.listenerCount('SIGUSR1') > 0) setImmediate(() => process.emit('SIGUSR1', 'SIGUSR1'));
  };
}

/**
 * As bigint: Node keeps the numbers of the last stat in one array for each kind, and on Node 20 and 22 realpathSync, by
 * which modules are found, takes what is left in the other one for its own. A pipe there made it stop at a link.
 */
function fileBehind(fd: number): string | undefined {
  try {
    return fstatSync(fd, { bigint: true }).isFile() ? readlinkSync(`/proc/self/fd/${fd}`) : undefined;
  } catch {
    return undefined; // closed
  }
}
