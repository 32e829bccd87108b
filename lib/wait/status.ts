import { constants } from 'node:os';
import { int, integer } from '../base/arguments';
import { preforkError } from '../base/errors';

const TERMINATED = 0x7f; // the signal that ended it; 0 if it exited, 0x7f if it is only stopped
const CORE_DUMPED = 0x80;
const CONTINUED = 0xffff;

/** The status itself, and not the `[pid, status]` of `wait()`, of which the operators would make one. */
function word(status: unknown): number {
  return int('status', status);
}

/** True if the process ended by itself, by exit() or by returning from main. Throws a TypeError or RangeError unless given an integer of 32 bits. (wait(2)) */
export function WIFEXITED(status: number): boolean {
  return (word(status) & TERMINATED) === 0;
}

/** The exit status, 0 to 255; meaningful if `WIFEXITED(status)`. Throws a TypeError or RangeError unless given an integer of 32 bits. (wait(2)) */
export function WEXITSTATUS(status: number): number {
  return (word(status) >> 8) & 0xff;
}

/** True if a signal ended the process. Throws a TypeError or RangeError unless given an integer of 32 bits. (wait(2)) */
export function WIFSIGNALED(status: number): boolean {
  const signal = WTERMSIG(status);
  return signal !== 0 && signal !== TERMINATED;
}

/** The number of the signal that ended the process; meaningful if `WIFSIGNALED(status)`. Throws a TypeError or RangeError unless given an integer of 32 bits. (wait(2)) */
export function WTERMSIG(status: number): number {
  return word(status) & TERMINATED;
}

/** True if the process left a core dump; meaningful if `WIFSIGNALED(status)`. Throws a TypeError or RangeError unless given an integer of 32 bits. (wait(2)) */
export function WCOREDUMP(status: number): boolean {
  return (word(status) & CORE_DUMPED) !== 0;
}

/** True if a signal stopped the process, which needs `WUNTRACED`. Throws a TypeError or RangeError unless given an integer of 32 bits. (wait(2)) */
export function WIFSTOPPED(status: number): boolean {
  return (word(status) & 0xff) === TERMINATED;
}

/** The number of the signal that stopped the process; meaningful if `WIFSTOPPED(status)`. Throws a TypeError or RangeError unless given an integer of 32 bits. (wait(2)) */
export function WSTOPSIG(status: number): number {
  return WEXITSTATUS(status);
}

/** True if SIGCONT woke the process, which needs `WCONTINUED`. Throws a TypeError or RangeError unless given an integer of 32 bits. (wait(2)) */
export function WIFCONTINUED(status: number): boolean {
  return word(status) === CONTINUED;
}

function notAnEnd(message: string): Error {
  return preforkError('ERR_PREFORK_INVALID_ARG_VALUE', message, { Base: RangeError });
}

/**
 * The exit status as one number: 0 to 255 for a process that exited, `-signal` for one that a signal ended.
 * Source: Python's `os.waitstatus_to_exitcode`.
 * @throws RangeError `ERR_PREFORK_INVALID_ARG_VALUE` if the process has not ended (stopped or continued),
 *   `ERR_PREFORK_OUT_OF_RANGE` if `status` is not a wait status (0 to 65535)
 * @throws TypeError `ERR_PREFORK_INVALID_ARG_TYPE` if it is not a number
 */
export function waitstatusToExitcode(status: number): number {
  integer('status', status, 0, 0xffff);
  if (WIFEXITED(status)) return WEXITSTATUS(status);
  if (WIFSIGNALED(status)) return -WTERMSIG(status);
  if (WIFSTOPPED(status)) throw notAnEnd(`process stopped by delivery of signal ${WSTOPSIG(status)}`);
  throw notAnEnd(`invalid wait status: ${status}`);
}

/** The name of what ended a child. */
export function signalName(number: number): NodeJS.Signals {
  const found = Object.entries(constants.signals).find(([, each]) => each === number);
  return (found?.[0] ?? `SIG${number}`) as NodeJS.Signals;
}
