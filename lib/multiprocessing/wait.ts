import { invalidType } from '../base/errors';
import { Connection } from './connection';
import { readableOf, timeLimit } from './news';
import { Process } from './process';

/** What can be waited for: a connection, a process, or a descriptor, such as a process's `sentinel`. */
export type Waitable = Connection | Process | number;

function descriptorOf(each: Waitable): number {
  if (each instanceof Connection) return each.fileno();
  if (each instanceof Process) return each.sentinel;
  if (typeof each === 'number') return each;
  throw invalidType('each of objects', 'a Connection, a Process or a descriptor', each);
}

/**
 * Waits until one of these can be read, or has ended: Python's `multiprocessing.connection.wait`. The event loop goes on
 * meanwhile, and is kept alive.
 *
 * @param timeout seconds; null, the default: no limit
 * @returns those that are ready; none: not in time
 * @throws Error `ERR_PREFORK_INVALID_STATE` for what is closed or not started; SystemError `EBADF`, `EPERM` for a descriptor that
 *   cannot be waited for; TypeError `ERR_PREFORK_INVALID_ARG_TYPE`; all as rejections
 */
export async function wait<T extends Waitable>(
  objects: Iterable<T>,
  timeout: number | null = null,
): Promise<T[]> {
  const all = [...objects].map((each) => ({ each, fd: descriptorOf(each) }));
  const ready = await readableOf(
    all.map(({ fd }) => fd),
    timeLimit(timeout),
  );
  return all.filter(({ fd }) => ready.includes(fd)).map(({ each }) => each);
}
