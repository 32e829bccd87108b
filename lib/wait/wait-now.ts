import { binding } from '../base/binding';
import { check } from '../base/errors';

/** Do not block: `waitpid` answers `[0, 0]` if no child is ready. (wait(2)) */
export const WNOHANG = 1;

/** waitpid(2), never blocking: `[0, 0]` if no child is ready. */
export function waitNow(
  pid: number,
  options: number,
  usage: Float64Array | null = null,
): [pid: number, status: number] {
  const status = new Int32Array(1);
  const found = check(binding.wait_now(pid, options, status, usage), 'waitpid');
  return [found, found === 0 ? 0 : (status[0] ?? 0)];
}
