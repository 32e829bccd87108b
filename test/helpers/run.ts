import { type ChildProcessWithoutNullStreams, spawn } from 'node:child_process';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import type { Writable } from 'node:stream';
import { setImmediate } from 'node:timers/promises';
import { onTestFinished } from 'vitest';
import { aliveIn, childrenOf, commandLineOf, stateOf } from './proc';

export interface Result {
  status: number | null;
  signal: NodeJS.Signals | null;
  stdout: string;
  stderr: string;
}

export interface RunOptions {
  args?: string[];
  /** Added to the environment. */
  env?: Record<string, string>;
  /** An environment with nothing of the test runner's but PATH and HOME. */
  clean?: boolean;
  /** A command that runs what comes after its arguments. */
  under?: string[];
  /** The working directory. */
  cwd?: string;
  /** Milliseconds after which the whole process group is killed, and the test fails. */
  deadman?: number;
}

const FIXTURES = join(__dirname, '..', 'fixtures');

function environment({ env = {}, clean = false }: RunOptions): Record<string, string | undefined> {
  const { PATH = '', HOME = '/' } = process.env;
  return { ...(clean ? { PATH, HOME } : process.env), ...env };
}

/**
 * Standard output and standard error are two pipes, and either may be read first, whatever was written first. What is in them now
 * is read when the loop has turned once more, which reads all that a pipe can hold.
 */
async function readPipes(): Promise<void> {
  await setImmediate();
  await setImmediate();
}

/** A program under test, in a process group of its own: what starts it, reads it and ends it. */
export class Program {
  readonly pid: number;
  readonly stdin: Writable;
  readonly directory: string;
  /** What it has written so far. */
  stdout = '';
  stderr = '';
  /** When all its output has been read, so that nobody in the group holds it any more; fails after the deadman's time. */
  readonly result: Promise<Result>;
  readonly #lines: AsyncIterator<string>;
  readonly #exited: Promise<string>;
  readonly #closed: Promise<void>;
  readonly #readers = new Set<() => void>();
  #hasEnded = false;
  #isClosed = false;

  constructor(command: string, args: string[], options: RunOptions = {}) {
    const { cwd = process.cwd(), deadman = 60_000 } = options;
    const child = spawn(command, args, { detached: true, env: environment(options), stdio: 'pipe', cwd });
    this.pid = child.pid ?? 0;
    this.directory = cwd;
    this.stdin = child.stdin.on('error', () => {}); // it may have ended before it read anything
    this.#read(child);
    this.#lines = createInterface(child.stdout)[Symbol.asyncIterator]();
    this.#exited = new Promise((resolve, reject) => {
      child.once('error', reject).once('exit', (status, signal) => {
        this.#hasEnded = true;
        resolve(signal ?? `status ${status}`);
      });
    });
    this.#exited.catch(() => {});
    this.#closed = new Promise((resolve) => {
      child.once('close', () => {
        this.#isClosed = true;
        this.#tellReaders();
        resolve();
      });
    });
    this.result = new Promise((resolve, reject) => {
      const timer = setTimeout(() => {
        this.killGroup();
        reject(new Error(`killed after ${deadman} ms\n${this.#output()}`));
      }, deadman);
      child.on('error', reject);
      child.on('close', (status, signal) => {
        clearTimeout(timer);
        resolve({ status, signal, stdout: this.stdout, stderr: this.stderr });
      });
    });
    this.result.catch(() => {}); // each awaiter sees it
  }

  #read({ stdout, stderr }: ChildProcessWithoutNullStreams): void {
    stdout.setEncoding('utf8').on('data', (text: string) => {
      this.stdout += text;
      this.#tellReaders();
    });
    stderr.setEncoding('utf8').on('data', (text: string) => {
      this.stderr += text;
      this.#tellReaders();
    });
  }

  #tellReaders(): void {
    for (const reader of [...this.#readers]) reader();
  }

  #output(): string {
    return `stdout:\n${this.stdout}\nstderr:\n${this.stderr}`;
  }

  /**
   * The next line that the program prints; a failure with all its output if it ends first. What was written before it, here
   * or there, has been read by then.
   */
  async line(): Promise<string> {
    const { value, done } = await this.#lines.next();
    if (done) throw new Error(`ended before printing a line: ${JSON.stringify(await this.result)}`);
    await readPipes();
    return value;
  }

  /**
   * Until it has written the pattern so many times; a failure with all its output if it ends first, or is killed by the deadman.
   * What was written before that, here or there, has been read by then.
   */
  async until(pattern: RegExp, times = 1): Promise<void> {
    const all = new RegExp(pattern, 'g');
    const isSeen = () => ((this.stdout + this.stderr).match(all) ?? []).length >= times;
    await new Promise<void>((resolve, reject) => {
      const reader = () => {
        const seen = isSeen();
        if (!seen && !this.#isClosed) return;
        this.#readers.delete(reader);
        if (seen) resolve();
        else reject(new Error(`ended before it wrote ${pattern}\n${this.#output()}`));
      };
      this.#readers.add(reader);
      this.result.catch(reject); // others may still hold its output
      reader();
    });
    await readPipes();
  }

  /** The numbers after `label=` so far, in the order in which they were written. */
  numbers(label: string): number[] {
    return [...this.stdout.matchAll(new RegExp(`${label}=(\\d+)`, 'g'))].map(([, digits]) => Number(digits));
  }

  endInput(text = ''): void {
    this.stdin.end(text);
  }

  /** Of itself, once it has ended, nobody hears: its number may be another process's by then. */
  kill(signal: NodeJS.Signals | number, pid = this.pid): void {
    if (pid !== this.pid || !this.#hasEnded) process.kill(pid, signal);
  }

  killGroup(): void {
    try {
      process.kill(-this.pid, 'SIGKILL');
    } catch {
      // all gone
    }
  }

  /** How it ended, even if others still hold its output: `status 1`, `SIGTERM`. What it wrote itself has been read by then. */
  async exit(): Promise<string> {
    const how = await this.#exited;
    await readPipes();
    return how;
  }

  /** Kills all remaining processes, and resolves once all output has been read. */
  async sweep(): Promise<void> {
    this.killGroup();
    await this.#closed;
  }

  /** Its own children, in the order in which they were made: those that have ended, too, until it has reaped them. */
  children(): number[] {
    return childrenOf(this.pid);
  }

  /** Its children that call themselves workers of `prefork`. */
  workers(): number[] {
    return this.children().filter((pid) => /: worker \d+/.test(commandLineOf(pid)));
  }

  /** Processes of its group that are alive. */
  survivors(): number[] {
    return aliveIn(this.pid);
  }

  /**
   * Until the program itself sleeps, which here means that it waits for its children, or without end. What it has written has
   * been read by then.
   */
  async asleep(): Promise<void> {
    while (stateOf(this.pid) === 'R') await setImmediate();
    await readPipes();
  }

  /** Until its whole process group has ended. */
  async gone(): Promise<void> {
    while (this.survivors().length > 0) await setImmediate();
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
