/**
 * What becomes of a line that cannot be logged, as with Python's logging.Handler.handleError: standard error says so, and the
 * program goes on.
 */
import { inspect } from 'node:util';
import { isThenable } from '../base/arguments';
import { writeToStderr } from '../base/blocking-write';
import type { Caller } from './caller';
import { FormatError, repr, tuple } from './percent';

/** With everything that it holds: its cause, as Python shows it, its code and so on. */
export function stackOf(thrown: unknown): string {
  return typeof thrown === 'object' ? inspect(thrown) : String(thrown);
}

/** Python's FormatErrors are TypeErrors, and where they came up is seen from the place that logged. */
function failureOf(error: unknown): string {
  try {
    return error instanceof FormatError ? `TypeError: ${error.message}` : stackOf(error);
  } catch {
    return 'An error that cannot be shown';
  }
}

/** What a program had wanted to log. */
export interface Wanted {
  message: unknown;
  args: readonly unknown[];
  /** Where it had. */
  caller(): Caller;
}

function shown({ message, args, caller }: Wanted): string {
  const { pathname, lineno } = caller();
  const place = `  File "${pathname}", line ${lineno}\n`;
  try {
    return `${place}Message: ${repr(message)}\nArguments: ${tuple(args)}\n`;
  } catch {
    return (
      `${place}Unable to print the message and arguments - possible formatting error.\n` +
      'Use the traceback above to help find the error.\n'
    );
  }
}

/** Of a stream that fails later nobody knows with which line. */
export function reportLoggingError(error: unknown, wanted?: Wanted): void {
  const rest = wanted === undefined ? '' : shown(wanted);
  writeToStderr(`--- Logging error ---\n${failureOf(error)}\n${rest}`);
}

/** Calls `attempt`, and reports what it throws, now or as a rejection. */
export function surviving(wanted: Wanted, attempt: () => unknown): void {
  try {
    const result = attempt();
    if (!isThenable(result)) return;
    const caller = wanted.caller();
    result.then(undefined, (error) => reportLoggingError(error, { ...wanted, caller: () => caller }));
  } catch (error) {
    reportLoggingError(error, wanted);
  }
}

/** One function, so that a stream that is configured twice has it once. */
function reportLater(error: unknown): void {
  reportLoggingError(error);
}

/** What Node's streams know of themselves. */
interface NodeStream {
  listeners(event: 'error'): unknown[];
  on(event: 'error', listener: (error: unknown) => void): void;
}

/** A stream of Node's says later that it has failed, by an event that ends the process if nobody listens. */
export function hearLater(stream: object): void {
  const { on, listeners } = stream as Partial<NodeStream>;
  if (typeof on !== 'function' || typeof listeners !== 'function') return;
  const emitter = stream as NodeStream;
  if (!emitter.listeners('error').includes(reportLater)) emitter.on('error', reportLater);
}
