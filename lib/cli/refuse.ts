/** The end of a command whose line, environment or file is wrong. */
import { writeToStderr } from '../base/blocking-write';

/** Its exit status. */
export const USAGE = 2;

/** Says what is wrong, as far as it is for the user to put right, and ends the process. */
export function refuse(error: unknown): never {
  writeToStderr(`${explain(error)}\n`);
  process.exit(USAGE);
}

/** What is wrong with a value is in the message; of anything else the stack says more. */
function explain(error: unknown): string {
  if (!(error instanceof Error)) return `prefork: ${String(error)}`;
  const { code, message, stack } = error as NodeJS.ErrnoException;
  return code === undefined ? `prefork: ${stack}` : `prefork: ${message} (${code})`;
}
