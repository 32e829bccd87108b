import { type ChildProcessByStdio, spawn, spawnSync } from 'node:child_process';
import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Readable, Writable } from 'node:stream';
import { setImmediate } from 'node:timers/promises';

/** The interpreter that has Debian's python3-tornado, which need not be the first on the path. */
export const PYTHON = '/usr/bin/python3';

const DEADLINE = 30_000; // ms

const programs = join(__dirname, '..', 'tornado', 'oracle');

/** Which Tornado is installed; null if there is none, or this is no Linux. */
export function oracleVersion(): string | null {
  const script = 'import tornado; print(tornado.version, end="")';
  const { status, stdout } = spawnSync(PYTHON, ['-c', script], { encoding: 'utf8' });
  return status === 0 && process.platform === 'linux' ? stdout : null;
}

export type Half = 'python' | 'node';

/** What can be told of a program from outside, with pids, ports and times replaced. */
export interface Outcome {
  stdout: string;
  stderr: string;
  /** How the first process ended: `status 1`, `SIGTERM`. */
  end: string;
  /** How many of its descendants were then still alive. */
  survivors: number;
  /** What `drive` and `afterwards` saw. */
  seen: string;
}

export interface Scenario {
  name: string;
  program: string;
  args?: string[];
  /** A command to run it under. */
  under?: string[];
  env?: Record<string, string>;
  /** Concurrent processes write in no certain order: compare the lines sorted. */
  sorted?: boolean;
  /** Which of several children it was is left to chance. */
  anonymous?: boolean;
  /** All descendants are about to end by themselves: wait for that instead of counting them. */
  fades?: boolean;
  /** What happens to the program while it runs; standard input ends afterwards. */
  drive?: (running: Running) => Promise<string | undefined> | Promise<void>;
  /** After its end, before the survivors are killed. */
  afterwards?: (running: Running) => Promise<string>;
  /** What the oracle must have said, so that two failures of the same kind are no success. */
  says?: Partial<Record<keyof Outcome, string | number | RegExp>>;
  /** Differences on purpose: what Node does instead. */
  instead?: Partial<Outcome>;
}

/** One program while it runs. */
export class Running {
  readonly #child: ChildProcessByStdio<Writable, Readable, Readable>;
  readonly #exited: Promise<string>;
  readonly #closed: Promise<void>;
  readonly #watchers = new Set<() => void>();
  /** Its own, empty at its start. */
  readonly directory: string;
  stdout = '';
  stderr = '';

  constructor(command: string[], options: { cwd: string; env: Record<string, string> }) {
    const [file = '', ...args] = command;
    this.directory = options.cwd;
    this.#child = spawn(file, args, { ...options, detached: true, stdio: ['pipe', 'pipe', 'pipe'] });
    this.#child.stdout.setEncoding('utf8').on('data', (text: string) => {
      this.stdout += text;
      for (const watcher of this.#watchers) watcher();
    });
    this.#child.stderr.setEncoding('utf8').on('data', (text: string) => {
      this.stderr += text;
      for (const watcher of this.#watchers) watcher();
    });
    this.#child.stdin.on('error', () => {}); // it may have ended before it read anything
    this.#exited = new Promise((resolve, reject) => {
      this.#child.once('error', reject);
      this.#child.once('exit', (status, signal) => resolve(signal ?? `status ${status}`));
    });
    this.#closed = new Promise((resolve) => this.#child.once('close', () => resolve()));
  }

  get pid(): number {
    return this.#child.pid ?? 0;
  }

  /** The numbers after `label=` so far, in the order they were written. */
  numbers(label: string): number[] {
    return [...this.stdout.matchAll(new RegExp(`${label}=(\\d+)`, 'g'))].map(([, digits]) => Number(digits));
  }

  /** Until the pattern has been seen `times` times in what the program has written. */
  async until(pattern: RegExp, times = 1): Promise<void> {
    const all = new RegExp(pattern, 'g');
    const enough = () => ((this.stdout + this.stderr).match(all) ?? []).length >= times;
    if (enough()) return;
    await new Promise<void>((resolve) => {
      const watcher = () => {
        if (!enough()) return;
        this.#watchers.delete(watcher);
        resolve();
      };
      this.#watchers.add(watcher);
    });
  }

  kill(signal: NodeJS.Signals | number, pid = this.pid): void {
    process.kill(pid, signal);
  }

  endInput(text = ''): void {
    this.#child.stdin.end(text);
  }

  exit(): Promise<string> {
    return this.#exited;
  }

  /** Its own living children, in the order in which they were made. */
  children(): number[] {
    const list = readFileSync(`/proc/${this.pid}/task/${this.pid}/children`, 'latin1');
    return list.split(' ').filter(Boolean).map(Number);
  }

  /** Who of its process group is alive. */
  survivors(): number[] {
    return readdirSync('/proc').flatMap((name) => (isAliveIn(name, this.pid) ? [Number(name)] : []));
  }

  /** Until the first process sleeps, which in these programs means: it waits for its children, or for ever. */
  async asleep(): Promise<void> {
    while (stateOf(this.pid) === 'R') await setImmediate();
  }

  /** Until its whole process group has ended. */
  async gone(): Promise<void> {
    while (this.survivors().length > 0) await setImmediate();
  }

  /** Kills whoever is left, and resolves when all output has been read. */
  async sweep(): Promise<void> {
    try {
      process.kill(-this.pid, 'SIGKILL');
    } catch {
      // Nobody left.
    }
    await this.#closed;
  }
}

function isAliveIn(pid: string, group: number): boolean {
  if (!/^\d+$/.test(pid)) return false;
  const [state = 'X', , pgrp] = statOf(pid);
  return Number(pgrp) === group && state !== 'Z' && state !== 'X';
}

function stateOf(pid: number): string | undefined {
  return statOf(String(pid))[0];
}

/** State, parent, group and so on: what comes after the name, which is in parentheses and may hold anything. */
function statOf(pid: string): string[] {
  try {
    return readFileSync(`/proc/${pid}/stat`, 'latin1').split(') ').at(-1)?.split(' ') ?? [];
  } catch {
    return [];
  }
}

/** Runs one half of a scenario. Every process it starts is gone when this resolves or rejects. */
export async function play(half: Half, scenario: Scenario): Promise<Outcome> {
  const directory = mkdtempSync(join(tmpdir(), 'prefork-oracle-'));
  const running = new Running(commandOf(half, scenario), { cwd: directory, env: environment(scenario) });
  let late = false;
  const deadman = setTimeout(() => {
    late = true;
    void running.sweep();
  }, DEADLINE);
  try {
    const driven =
      (await Promise.race([scenario.drive?.(running), running.exit().then(() => undefined)])) ?? '';
    running.endInput();
    const end = await running.exit();
    if (scenario.fades === true) await running.gone();
    const survivors = running.survivors().length;
    const after = (await scenario.afterwards?.(running)) ?? '';
    await running.sweep();
    if (late) throw new Error(`${half}: not finished in time\n${running.stdout}\n${running.stderr}`);
    return normalize({ ...running, end, survivors, seen: driven + after }, scenario);
  } finally {
    clearTimeout(deadman);
    await running.sweep();
    rmSync(directory, { recursive: true, force: true });
  }
}

function commandOf(half: Half, { program, args = [], under = [] }: Scenario): string[] {
  const interpreter = half === 'python' ? PYTHON : process.execPath;
  const file = join(programs, `${program}.${half === 'python' ? 'py' : 'mjs'}`);
  const command = [interpreter, file, ...args];
  // script(1) takes one line for a shell.
  return under[0] === 'script' ? [...under, command.join(' '), '/dev/null'] : [...under, ...command];
}

/** Nothing of the test runner's. */
function environment({ env = {} }: Scenario): Record<string, string> {
  const { PATH = '', HOME = '/' } = process.env;
  return { PATH, HOME, LANG: 'C.UTF-8', TERM: 'xterm-256color', ...env };
}

function normalize(
  { stdout, stderr, end, survivors, seen }: Outcome,
  { sorted = false, anonymous = false }: Scenario,
): Outcome {
  const text = (raw: string) => {
    const numbered = sameNumbers(sameErrors(raw.replaceAll('\r\n', '\n')));
    const plain = anonymous ? numbered.replace(/\b(child|worker) \d+/g, '$1 N') : numbered;
    return sorted ? plain.split('\n').sort().join('\n').trim() : plain.trim();
  };
  return { stdout: text(stdout), stderr: text(stderr), end, survivors, seen: sameNumbers(seen).trim() };
}

function sameNumbers(text: string): string {
  return text
    .replace(/\bhello:\d+/g, 'hello:N')
    .replace(/\(pid \d+\)/g, '(pid N)')
    .replace(/\b(pid|port)=\d+/g, '$1=N')
    .replace(/\d{6} \d\d:\d\d:\d\d/g, 'YYMMDD HH:MM:SS');
}

/** Tracebacks and stacks, as one line: `error: Too many child restarts, giving up`. */
function sameErrors(text: string): string {
  return text
    .replaceAll('\x1b[90m', '') // Node's stacks are grey on a terminal
    .replaceAll('\x1b[39m', '')
    .replace(/Traceback \(most recent call last\):\n(?: .*\n)*KeyboardInterrupt\n/g, '')
    .replace(/Traceback \(most recent call last\):\n(?: .*\n)*(\w+)(?:: (.*))?/g, (_all, type, message) => {
      return `error: ${errorText(type, message ?? '')}`;
    })
    .replace(/^(?:file:\/\/)?\/.*:\d+\n.*\n\s*\^+\n\n/gm, '')
    .replace(/ \{\n(?: {2}\w+: .*\n)+\}/g, '')
    .replace(/^\w*Error: (.*)(?:\n {4}at .*)+/gm, (_all, message) => `error: ${errorText('Error', message)}`)
    .replace(/\n\nNode\.js v.*\n/g, '\n')
    .replace(/Exception in callback .*/g, 'Exception in callback')
    .replace(/\n+/g, '\n');
}

function errorText(type: string, message: string): string {
  if (type === 'ChildProcessError' || /\bECHILD\b/.test(message)) return 'ECHILD';
  if (type === 'NotImplementedError' || message.includes('not implemented')) return 'not implemented';
  return message;
}
