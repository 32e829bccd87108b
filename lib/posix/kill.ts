import { int } from '../base/arguments';
import { binding } from '../base/binding';
import { check } from '../base/errors';
import { runListenersNow } from '../wait/sleep';
import { signalNumber } from './signal-number';

function anySignal(signal: NodeJS.Signals | number): number {
  return typeof signal === 'number' ? int('signal', signal) : signalNumber('signal', signal);
}

/**
 * Sends a signal. If it goes to this process, its listeners have run when `kill` returns, as Python's handlers have
 * (`process.kill` leaves them to the next turn of the loop). What a listener throws comes out of `kill`.
 *
 * Source: kill(2), Python's `os.kill`.
 * @param pid a process; 0: this process group; -1: all that may be sent one, except this process and process 1; below -1:
 *   the process group `-pid`
 * @param signal its name or number; 0: none, only the errors
 * @throws SystemError `ESRCH` if there is no such process or group, `EPERM`, `EINVAL` if there is no such signal
 * @throws TypeError `ERR_PREFORK_INVALID_ARG_TYPE`, `ERR_PREFORK_INVALID_ARG_VALUE` for an unknown name
 * @throws RangeError `ERR_PREFORK_OUT_OF_RANGE`
 */
export function kill(pid: number, signal: NodeJS.Signals | number): void {
  check(binding.process_kill(int('pid', pid), anySignal(signal)), 'kill');
  runListenersNow();
}

/**
 * Sends a signal to a process group, as `kill` does.
 *
 * Source: killpg(3), Python's `os.killpg`.
 * @param pgid the group; 0: that of this process. 1 is what kill(2) takes for -1: everybody
 * @throws as `kill`; SystemError `EINVAL` also for a group below 0
 */
export function killpg(pgid: number, signal: NodeJS.Signals | number): void {
  check(binding.process_killpg(int('pgid', pgid), anySignal(signal)), 'killpg');
  runListenersNow();
}
