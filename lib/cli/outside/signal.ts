import type { Shown } from '../../manager/shown/form';
import type { Waiting } from './waiting';

/**
 * Sends it to a manager that runs, and answers what that showed just before.
 *
 * @throws Error: it has ended, or is ending; SystemError `EPERM`
 */
export async function signal(waiting: Waiting, name: NodeJS.Signals): Promise<Shown> {
  const { pid } = waiting.manager;
  const before = await waiting.look();
  if (before === undefined) throw new Error(`Process ${pid} has ended`);
  if (before.phase !== 'running') throw new Error(`Process ${pid} is ending`);
  process.kill(pid, name);
  return before;
}
