/** `prefork reload`: has a manager put the files as they are now into service, and waits for what comes of it. */
import { printable } from '../../base/printable';
import type { Shown } from '../../manager/shown/form';
import { signal } from './signal';
import { endedBefore, type Waiting } from './waiting';

/**
 * Answers what has come of it, for people.
 *
 * @throws Error that says why the new version does not serve
 */
export async function reload(waiting: Waiting): Promise<string> {
  const { pid } = waiting.manager;
  const before = await signal(waiting, 'SIGHUP');
  const after = await settled(waiting, before);
  if (after.generation === null || after.generation <= before.newest) {
    const why = printable(after.refused?.why ?? 'it was given up');
    throw new Error(
      `The new version is not put into service: ${why}. Generation ${after.generation} serves on; ` +
        `the log of process ${pid} says more`,
    );
  }
  return `Generation ${after.generation} serves: every worker has been replaced`;
}

/** The manager's state once it has taken the signal, and nothing is under way any more. */
async function settled(waiting: Waiting, { newest }: Shown): Promise<Shown> {
  for (;;) {
    const now = await waiting.look();
    if (now?.phase !== 'running') throw endedBefore(waiting.manager.pid, 'the new version served');
    if (now.newest > newest && !now.isReplacing) return now;
    await waiting.pause('the new version to serve');
  }
}
