/** `prefork logs-reopen`: has all processes of a service open their log files anew, and waits until they have. */
import type { Shown } from '../../manager/shown/form';
import { signal } from './signal';
import { endedBefore, type Waiting } from './waiting';

export async function reopenLogs(waiting: Waiting): Promise<string> {
  const before = await signal(waiting, 'SIGUSR1');
  for (;;) {
    const now = await waiting.look();
    if (now === undefined) throw endedBefore(waiting.manager.pid, 'all log files were opened anew');
    const late = now.reopened === before.reopened ? null : lateWorkers(waiting, now);
    if (late?.length === 0) return 'Every process has opened its log files anew';
    await waiting.pause(late === null ? 'the manager' : `worker ${late.join(', ')} to open its log files`);
  }
}

/** Those that have not said yet that they write to the new ones; each does at its next beat. */
function lateWorkers({ manager }: Waiting, { processes, reopened }: Shown): number[] {
  return processes.flatMap(({ worker }) => {
    if (worker === null) return [];
    const figures = manager.figures(worker.row);
    return figures === undefined || figures.reopened >= reopened ? [] : [worker.id];
  });
}
