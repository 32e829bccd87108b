import { int } from '../base/arguments';
import { binding } from '../base/binding';
import { check } from '../base/errors';
import { blockUntil } from './block';
import { WNOHANG } from './wait-now';

/** `waitid`: any child, as `wait` does. (waitid(2)) */
export const P_ALL = 0;
/** `waitid`: the child with this pid. (waitid(2)) */
export const P_PID = 1;
/** `waitid`: any child in this process group. (waitid(2)) */
export const P_PGID = 2;
/** `waitid`: the child that this descriptor of pidfd_open(2) refers to. (waitid(2)) */
export const P_PIDFD = 3;
/** `waitid`: children that have ended. (waitid(2)) */
export const WEXITED = 4;
/** `waitid`: children that a signal stopped. (waitid(2)) */
export const WSTOPPED = 2;
/** `waitid`: leave the child as it is, so that another wait finds it again. (waitid(2)) */
export const WNOWAIT = 0x01000000;
/** `siCode`: the child exited. (sigaction(2)) */
export const CLD_EXITED = 1;
/** `siCode`: a signal ended it. (sigaction(2)) */
export const CLD_KILLED = 2;
/** `siCode`: a signal ended it, and it left a core dump. (sigaction(2)) */
export const CLD_DUMPED = 3;
/** `siCode`: a traced child has trapped. (sigaction(2)) */
export const CLD_TRAPPED = 4;
/** `siCode`: a signal stopped it. (sigaction(2)) */
export const CLD_STOPPED = 5;
/** `siCode`: SIGCONT woke it. (sigaction(2)) */
export const CLD_CONTINUED = 6;

/** What `waitid` says of a child; Python's `os.waitid_result`. */
export interface WaitidResult {
  /** The child. */
  siPid: number;
  /** The child's real user. */
  siUid: number;
  /** Always SIGCHLD. */
  siSigno: number;
  /** The exit status, or the signal that ended, stopped or woke the child. */
  siStatus: number;
  /** How to read `siStatus`: `CLD_EXITED` and so on. */
  siCode: number;
}

function waitIdNow(idtype: number, id: number, options: number): WaitidResult | undefined {
  const child = new Int32Array(5);
  if (check(binding.wait_id_now(idtype, id, options, child), 'waitid') === 0) return undefined;
  const [siPid = 0, uid = 0, siSigno = 0, siStatus = 0, siCode = 0] = child;
  return { siPid, siUid: uid >>> 0, siSigno, siStatus, siCode };
}

/**
 * Waits until a child changes; reaps it if it has ended, unless `WNOWAIT` is given. Blocks as `wait` does.
 *
 * Source: waitid(2), Python's `os.waitid`.
 * @param idtype what `id` is: `P_ALL` (it is not looked at), `P_PID`, `P_PGID`, `P_PIDFD`
 * @param options one or more of `WEXITED`, `WSTOPPED` and `WCONTINUED`, and of `WNOHANG` and `WNOWAIT`
 * @returns what happened to which child; null with `WNOHANG` if nothing has
 * @throws SystemError `ECHILD` if there is no such child, `EINVAL` for other options, or none, and for an `id` that can be none
 * @throws TypeError `ERR_PREFORK_INVALID_ARG_TYPE`, RangeError `ERR_PREFORK_OUT_OF_RANGE`
 */
export function waitid(idtype: number, id: number, options: number): WaitidResult | null {
  int('idtype', idtype);
  int('id', id);
  int('options', options);
  const look = () => waitIdNow(idtype, id, options);
  return (options & WNOHANG) === 0 ? blockUntil('waitid', look) : (look() ?? null);
}
