/** A file whose process has ended before it had a result has failed: the words for it. */
import type { Ended } from '../testing/orders';

/** As Jest has it of an error in one of its own workers. */
export interface Failure {
  message: string;
  stack: string;
  type: string;
}

const BY_SIGNAL: Record<string, string> = {
  SIGKILL: 'The kernel does that when memory runs out, and its log may say more.',
  SIGABRT: 'V8 does that when its heap is full, and has written so to standard error.',
  SIGTRAP: 'V8 does that when its heap is full, and has written so to standard error.',
};

export function failureOf({ status, signal }: Ended, pid: number): Failure {
  const file = `The process of this test file (pid=${pid})`;
  const message =
    signal === ''
      ? `${file} has ended with exit code ${status} before the file was done: by process.exit(), or by an error that nobody has caught.`
      : `${file} was ended by ${signal} before the file was done. ${BY_SIGNAL[signal] ?? ''}`.trimEnd();
  return { message, stack: `Error: ${message}`, type: 'Error' };
}
