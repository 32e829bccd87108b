import { spawn } from 'node:child_process';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import type { Writable } from 'node:stream';
import { onTestFinished } from 'vitest';

export interface Result {
  status: number | null;
  signal: NodeJS.Signals | null;
  stdout: string;
  stderr: string;
}

export interface RunOptions {
  args?: string[];
  env?: Record<string, string>;
  /** A command that runs what comes after its arguments. */
  under?: string[];
  /** The working directory. */
  cwd?: string;
  /** Milliseconds after which the whole process group is killed, and the test fails. */
  deadman?: number;
}

const FIXTURES = join(__dirname, '..', 'fixtures');

function collect(stream: NodeJS.ReadableStream): () => string {
  let text = '';
  stream.setEncoding('utf8');
  stream.on('data', (chunk: string) => {
    text += chunk;
  });
  return () => text;
}

/** A program under test, in a process group of its own. */
export class Program {
  readonly pid: number;
  readonly stdin: Writable;
  readonly result: Promise<Result>;
  private readonly lines: AsyncIterator<string>;

  constructor(command: string, args: string[], { env = {}, cwd, deadman = 60_000 }: RunOptions = {}) {
    const child = spawn(command, args, {
      detached: true,
      env: { ...process.env, ...env },
      stdio: 'pipe',
      ...(cwd === undefined ? {} : { cwd }),
    });
    this.pid = child.pid ?? 0;
    this.stdin = child.stdin;
    const stdout = collect(child.stdout);
    const stderr = collect(child.stderr);
    this.lines = createInterface(child.stdout)[Symbol.asyncIterator]();
    this.result = new Promise((resolve, reject) => {
      const timer = setTimeout(() => {
        this.killGroup();
        reject(new Error(`killed after ${deadman} ms\nstdout:\n${stdout()}\nstderr:\n${stderr()}`));
      }, deadman);
      child.on('error', reject);
      // 'close': the output is complete, so that nobody in the group holds it any more.
      child.on('close', (status, signal) => {
        clearTimeout(timer);
        resolve({ status, signal, stdout: stdout(), stderr: stderr() });
      });
    });
    this.result.catch(() => {}); // seen by whoever awaits it
  }

  /** The next line that the program prints; a failure with all its output if it ends first. */
  async line(): Promise<string> {
    const { value, done } = await this.lines.next();
    if (done) throw new Error(`ended before printing a line: ${JSON.stringify(await this.result)}`);
    return value;
  }

  kill(signal: NodeJS.Signals): void {
    process.kill(this.pid, signal);
  }

  killGroup(): void {
    try {
      process.kill(-this.pid, 'SIGKILL');
    } catch {
      // all gone
    }
  }
}

/** Starts test/fixtures/`name`; nothing of its process group outlives the test. */
export function start(name: string, options: RunOptions = {}): Program {
  const words = [...(options.under ?? []), process.execPath, join(FIXTURES, name), ...(options.args ?? [])];
  const program = new Program(words[0] as string, words.slice(1), options);
  onTestFinished(() => program.killGroup());
  return program;
}

/** Runs test/fixtures/`name` to its end. */
export function run(name: string, options: RunOptions = {}): Promise<Result> {
  return start(name, options).result;
}
