import { spawn } from 'node:child_process';
import { join } from 'node:path';

/** The package's own folder: from here a program finds it by its name. */
export const ROOT = join(__dirname, '..', '..');

const DEADLINE = 30_000; // ms

export interface Result {
  stdout: string;
  stderr: string;
  status: number | null;
  signal: NodeJS.Signals | null;
}

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
  const { PATH = '', HOME = '/' } = process.env;
  const child = spawn(process.execPath, [...flags, '-'], {
    cwd: ROOT,
    env: { PATH, HOME, ...env },
    detached: true,
    stdio: ['pipe', 'pipe', 'pipe'],
  });
  let stdout = '';
  let stderr = '';
  child.stdout.setEncoding('utf8').on('data', (text: string) => {
    stdout += text;
  });
  child.stderr.setEncoding('utf8').on('data', (text: string) => {
    stderr += text;
  });
  child.stdin.end(program);
  return new Promise((resolve, reject) => {
    const deadman = setTimeout(() => {
      process.kill(-(child.pid ?? 0), 'SIGKILL');
      reject(new Error(`not finished in time\nstdout:\n${stdout}\nstderr:\n${stderr}`));
    }, DEADLINE);
    child.once('error', reject);
    child.once('close', (status, signal) => {
      clearTimeout(deadman);
      resolve({ stdout, stderr, status, signal });
    });
  });
}
