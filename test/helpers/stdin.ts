import { join } from 'node:path';
import { Program, type Result } from './run';

/** The package's own folder: from here a program finds it by its name. */
export const ROOT = join(__dirname, '..', '..');

const DEADLINE = 30_000; // ms

export interface StdinOptions {
  /** `node`'s own arguments; `-` is added. */
  flags?: string[];
  env?: Record<string, string>;
}

/**
 * Runs a program that comes in on standard input, as Tornado's tests run theirs, and waits until everyone who holds
 * its output has ended. After the deadline its whole process group is killed, and this rejects with the output so far.
 */
export function runStdin(program: string, { flags = [], env = {} }: StdinOptions = {}): Promise<Result> {
  const running = new Program(process.execPath, [...flags, '-'], {
    cwd: ROOT,
    env,
    clean: true,
    deadman: DEADLINE,
  });
  running.endInput(program);
  return running.result;
}
