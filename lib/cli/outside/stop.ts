/** `prefork stop`: has a manager end, and waits until it has. */
import { duration } from '../../base/duration';
import { monotonic } from '../../base/timers';
import type { Waiting } from './waiting';

/**
 * Answers how long it took, for people. One that is ending already is waited for, and told once more if that is to be `now`.
 *
 * @param now without waiting for requests (SIGQUIT)
 */
export async function stop(waiting: Waiting, now: boolean): Promise<string> {
  const { manager } = waiting;
  const since = monotonic();
  const before = await waiting.look();
  if (before?.phase === 'running' || now) send(manager.pid, now ? 'SIGQUIT' : 'SIGTERM');
  while (manager.isAlive) await waiting.pause('its end');
  return `Process ${manager.pid} has ended after ${duration(monotonic() - since)}`;
}

function send(pid: number, name: NodeJS.Signals): void {
  try {
    process.kill(pid, name);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ESRCH') throw error;
  }
}
