/** Ends a command whose line, environment or file is wrong. */
import { writeToStderr } from '../../base/blocking-write';

/** Exit status of a wrong command line, variable or file. */
export const USAGE = 2;

/** Says what the user must correct, and ends the process. */
export function refuse(error: unknown): never {
  writeToStderr(`${explain(error)}\n`);
  process.exit(USAGE);
}

/** For a wrong value the message is enough; for any other error the stack says more. */
function explain(error: unknown): string {
  if (!(error instanceof Error)) return `prefork: ${String(error)}`;
  const { code, message, stack } = error as NodeJS.ErrnoException;
  return code === undefined ? `prefork: ${stack}` : `prefork: ${message} (${code})`;
}
