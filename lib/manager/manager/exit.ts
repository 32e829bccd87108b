import { constants } from 'node:os';
import { WEXITSTATUS, WIFSIGNALED, WTERMSIG } from '../../wait/status';
import type { WorkerExit } from '../settings';
import type { OutOfMemoryWatch } from '../system/out-of-memory';

/** A status of wait(2), as hooks and the log have it. */
export function exitOf(status: number, outOfMemory: OutOfMemoryWatch): WorkerExit {
  const exit = plainExitOf(status);
  const mayBe = exit.signal === 'SIGKILL' && outOfMemory.hasKilled();
  return mayBe ? { ...exit, outOfMemory: true } : exit;
}

/** Without what only counters can tell. */
function plainExitOf(status: number): WorkerExit {
  if (!WIFSIGNALED(status)) return { code: WEXITSTATUS(status), signal: null };
  return { code: null, signal: signalName(WTERMSIG(status)) };
}

function signalName(number: number): NodeJS.Signals {
  const found = Object.entries(constants.signals).find(([, each]) => each === number);
  return (found?.[0] ?? `SIG${number}`) as NodeJS.Signals;
}
