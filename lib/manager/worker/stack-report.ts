/** How a worker with a blocked event loop reports its stack. */
import { binding } from '../../base/binding';
import type { Row } from '../scoreboard';
import type { Log, WorkerInfo } from '../settings';
import { requestsInHand } from './traffic';

/** More than Node shows of an error: what called the endless loop may be far away. */
const DEPTH = 50;
const MOST_REQUESTS = 10;

/**
 * In a worker, once: a thread waits for the request and has V8 interrupt the JavaScript that runs then. While native
 * code runs, and where Node lacks the means, there is no report; the worker is killed all the same.
 */
export function reportStackOnRequest(
  { worker: { id, pid }, row }: { worker: WorkerInfo; row: Row },
  log: Log,
): void {
  const report = () => {
    try {
      const message = `Worker ${id} (pid ${pid}) is blocked ${currentStack(report)}${inHand()}`;
      log({ level: 'error', event: 'stack_reported', message, worker: id, pid });
    } catch {
      // Thrown into whatever runs at the moment it would be the application's.
    }
  };
  binding.stack_report_on_request(row.stackWord, report);
}

/** One of them, or the work that another one has left, blocks it. */
function inHand(): string {
  const requests = requestsInHand();
  if (requests.length === 0) return '';
  const more = requests.length > MOST_REQUESTS ? `, and ${requests.length - MOST_REQUESTS} more` : '';
  return `\nRequests in hand: ${requests.slice(0, MOST_REQUESTS).join(', ')}${more}`;
}

function currentStack(below: () => void): string {
  const { stackTraceLimit } = Error;
  Reflect.set(Error, 'stackTraceLimit', DEPTH); // no error where intrinsics are frozen
  const holder: { stack?: string } = {};
  Error.captureStackTrace(holder, below);
  Reflect.set(Error, 'stackTraceLimit', stackTraceLimit);
  return (holder.stack ?? '').replace(/^.*\n\s*/, '');
}
