/** How a worker says where its JavaScript is: one whose event loop is blocked, and any that a command asks. */
import { binding } from '../../base/binding';
import { duration } from '../../base/duration';
import type { Place } from '../place';
import { Answer } from '../questions';
import { StackAsker } from '../scoreboard';
import type { Log } from '../settings';
import { MOST_REQUESTS, type RequestInHand, type Standing } from '../standing';
import { requestsInHand } from './traffic';

/** More than Node shows of an error: what called the endless loop may be far away. */
const DEPTH = 50;
/** Characters, each of which may take six bytes: the answer has room for 256 KB. */
const LONGEST_STACK = 24 * 1024;
const MOST_REQUESTS_LOGGED = 10;

/**
 * In a worker, once: a thread waits for the request and has V8 interrupt the JavaScript that runs then; if none runs, the event
 * loop answers. While native code runs, and where Node lacks the means, there is no report; a worker that is blocked is killed all
 * the same.
 */
export function reportStackOnRequest(place: Place, log: Log): void {
  const report = (asked: number, isAtRest: boolean) => {
    try {
      const stack = isAtRest ? null : currentStack(report);
      const requests = requestsInHand();
      if (asked & StackAsker.MANAGER) logBlocked(place, stack, requests, log);
      if (asked & StackAsker.COMMAND) answer(place, stack, requests);
    } catch {
      // Thrown into whatever runs at the moment it would be the application's.
    }
  };
  binding.stack_report_on_request(place.row.stackWord, report);
}

function logBlocked({ worker }: Place, stack: string | null, requests: RequestInHand[], log: Log): void {
  const { id, pid } = worker;
  const where = stack === null ? 'does nothing: it was blocked until just now' : `is blocked ${stack}`;
  const message = `Worker ${id} (pid ${pid}) ${where}${inHand(requests)}`;
  log({ level: 'error', event: 'stack_reported', message, worker: id, pid });
}

/** One of them, or the work that another one has left, blocks it. */
function inHand(requests: RequestInHand[]): string {
  if (requests.length === 0) return '';
  const named = requests.slice(0, MOST_REQUESTS_LOGGED).map(({ name, age }) => `${name}${since(age)}`);
  const more = requests.length - named.length;
  return `\nRequests in hand: ${named.join(', ')}${more > 0 ? `, and ${more} more` : ''}`;
}

function since(age: number | null): string {
  return age === null ? '' : ` for ${duration(age)}`;
}

function answer({ worker, row }: Place, stack: string | null, requests: RequestInHand[]): void {
  const { pid } = worker;
  const standing: Standing = {
    pid,
    stack: stack === null ? null : stack.slice(0, LONGEST_STACK),
    requests: requests.slice(0, MOST_REQUESTS),
    more: Math.max(0, requests.length - MOST_REQUESTS),
  };
  Answer.to('stack', { row: row.index, pid })?.give(Buffer.from(JSON.stringify(standing)));
}

function currentStack(below: (asked: number, isAtRest: boolean) => void): string {
  const { stackTraceLimit } = Error;
  Reflect.set(Error, 'stackTraceLimit', DEPTH); // no error where intrinsics are frozen
  const holder: { stack?: string } = {};
  Error.captureStackTrace(holder, below);
  Reflect.set(Error, 'stackTraceLimit', stackTraceLimit);
  return (holder.stack ?? '').replace(/^.*\n\s*/, '');
}
