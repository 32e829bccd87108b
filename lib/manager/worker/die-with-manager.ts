import { binding } from '../../base/binding';
import { setParentDeathSignal } from '../../os';

/** After the user has been changed, which would take the wish back (prctl(2)). The manager may be dead by then. */
export function dieWithManager(manager: number): void {
  setParentDeathSignal('SIGKILL');
  if (binding.process_getppid() !== manager) process.kill(process.pid, 'SIGKILL');
}
