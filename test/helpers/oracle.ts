import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Program } from './run';

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
  drive?: (running: Program) => Promise<string | undefined> | Promise<void>;
  /** After its end, before the survivors are killed. */
  afterwards?: (running: Program) => Promise<string>;
  /** What the oracle must have said, so that two failures of the same kind are no success. */
  says?: Partial<Record<keyof Outcome, string | number | RegExp>>;
  /** Differences on purpose: what Node does instead. */
  instead?: Partial<Outcome>;
}

/** Runs one half of a scenario. Every process it starts is gone when this resolves or rejects. */
export async function play(half: Half, scenario: Scenario): Promise<Outcome> {
  const directory = mkdtempSync(join(tmpdir(), 'prefork-oracle-'));
  const [command = '', ...args] = commandOf(half, scenario);
  const env = { LANG: 'C.UTF-8', TERM: 'xterm-256color', ...scenario.env };
  const running = new Program(command, args, { cwd: directory, env, clean: true, deadman: DEADLINE });
  try {
    const driven =
      (await Promise.race([scenario.drive?.(running), running.exit().then(() => undefined)])) ?? '';
    running.endInput();
    const end = await running.exit();
    if (scenario.fades === true) await running.gone();
    const survivors = running.survivors().length;
    const after = (await scenario.afterwards?.(running)) ?? '';
    await running.sweep();
    const { stdout, stderr } = await running.result; // a failure if it was not finished in time
    return normalize({ stdout, stderr, end, survivors, seen: driven + after }, scenario);
  } finally {
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
    .replace(
      /^\w*Error(?: \[\w+\])?: (.*)(?:\n {4}at .*)+/gm,
      (_all, message) => `error: ${errorText('Error', message)}`,
    )
    .replace(/\n\nNode\.js v.*\n/g, '\n')
    .replace(/Exception in callback .*/g, 'Exception in callback')
    .replace(/\n+/g, '\n');
}

function errorText(type: string, message: string): string {
  if (type === 'ChildProcessError' || /\bECHILD\b/.test(message)) return 'ECHILD';
  if (type === 'NotImplementedError' || message.includes('not implemented')) return 'not implemented';
  return message;
}
