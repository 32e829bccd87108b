/** The same small programs in Tornado and in this port, as far as they are about processes. */
import { spawnSync } from 'node:child_process';
import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll } from 'vitest';
import type { Scenario } from '../helpers/oracle';
import type { Program } from '../helpers/run';
import { compare } from './compare';

const GAVE_UP = 'error: Too many child restarts, giving up';

// --- Ends of children ---

const EXIT_CODES = [1, 2, 3, 7, 42, 100, 126, 127, 128, 129, 200, 254, 255, 257, -1];

/**
 * All that end a process, except SIGUSR1, by which Node opens its inspector, and SIGPIPE and SIGXFSZ, which both
 * ignore. 32 and 33 are the C library's.
 */
const FATAL_SIGNALS = [
  1, 2, 3, 4, 5, 6, 7, 8, 9, 11, 12, 14, 15, 16, 24, 26, 27, 29, 30, 31, 34, 35, 36, 40, 50, 63, 64,
];

/** Whether the system writes a core into the directory of the process, or gives it to a program. */
function coreIsFile(): boolean {
  return /^[^|/]+$/.test(readFileSync('/proc/sys/kernel/core_pattern', 'utf8').trim());
}

const ends: Scenario[] = [
  ...EXIT_CODES.map((code) => ({
    name: `_exit(${code})`,
    program: 'exits',
    args: ['1', '0', `_exit:${code}`, 'default'],
    says: {
      stderr: `child 0 (pid N) exited with status ${code & 255}, restarting\n${GAVE_UP}`,
      end: 'status 1',
    },
  })),
  ...[1, 7, 255].map((code) => ({
    name: `exit(${code}), with exit handlers`,
    program: 'exits',
    args: ['1', '0', `exit:${code}`, 'default'],
    says: { stderr: `child 0 (pid N) exited with status ${code}, restarting\n${GAVE_UP}` },
  })),
  ...['_exit:0', '_exit:256', 'exit:0', 'exit:256', 'end'].map((how) => ({
    name: `${how}: a normal end`,
    program: 'exits',
    args: ['2', '0', how, 'basic-info'],
    sorted: true,
    says: { stderr: /child 0 \(pid N\) exited normally/, end: 'status 0', survivors: 0 },
  })),
  ...FATAL_SIGNALS.map((signal) => ({
    name: `signal ${signal}`,
    program: 'exits',
    args: ['1', '0', `signal:${signal}`, 'default'],
    says: { stderr: `child 0 (pid N) killed by signal ${signal}, restarting\n${GAVE_UP}`, end: 'status 1' },
  })),
  {
    name: 'an uncaught error',
    program: 'exits',
    args: ['1', '0', 'throw', 'default'],
    says: { stderr: `error: oops\nchild 0 (pid N) exited with status 1, restarting\n${GAVE_UP}` },
  },
  {
    name: 'a core dump counts as killed by its signal',
    program: 'exits',
    args: ['1', '0', 'signal:6', 'default'],
    under: ['bash', '-c', 'ulimit -c 1024; exec "$@"', 'bash'],
    async afterwards({ directory }) {
      return readdirSync(directory).some((name) => name.startsWith('core'))
        ? 'dumped'
        : 'handed to somebody else';
    },
    says: {
      stderr: `child 0 (pid N) killed by signal 6, restarting\n${GAVE_UP}`,
      seen: coreIsFile() ? 'dumped' : /./,
    },
  },
];

// --- Restarts ---

const restarts: Scenario[] = [
  ...['-1', '0', '1', '2', '3', '100'].map((limit) => ({
    name: `max_restarts=${limit}, a sibling alive`,
    program: 'restarts',
    args: [limit, 'default'],
    says: { end: 'status 1', survivors: 1, stderr: lines(Math.max(Number(limit), 0) + 1) },
  })),
  {
    name: 'max_restarts=None is 100',
    program: 'restarts',
    args: ['None', 'basic'],
    says: { end: 'status 1', survivors: 1, stderr: lines(101) },
  },
  {
    name: 'a restarted child keeps its id',
    program: 'keeps_id',
    sorted: true,
    says: { stdout: '0 first\n1 second\n2 second', end: 'status 0', survivors: 0 },
  },
  {
    name: 'an asynchronous listener of a signal, in the parent',
    program: 'async_listener',
    says: { stdout: 'the rest, in the parent: False\nthe child goes on', end: 'status 0' },
  },
  {
    name: 'a child killed from outside, again and again',
    program: 'forever',
    args: ['1', '3', 'basic-info'],
    async drive(running) {
      for (const [round, signal] of ([9, 15, 6, 1] as const).entries()) {
        await running.until(/ready 0 pid=\d+\n/, round + 1);
        running.kill(signal, running.numbers('pid').at(-1));
      }
    },
    says: { end: 'status 1', survivors: 0, stderr: /signal 9.*\n.*signal 15.*\n.*signal 6.*\n.*signal 1,/ },
  },
  {
    name: 'a child that is stopped and goes on has not ended',
    program: 'forever',
    args: ['1', '0', 'basic'],
    async drive(running) {
      await running.until(/ready 0 pid=\d+\n/);
      for (const signal of ['SIGSTOP', 'SIGCONT', 'SIGKILL'] as const) {
        running.kill(signal, running.numbers('pid')[0]);
      }
    },
    says: { stderr: `WARNING:tornado.general:child 0 (pid N) killed by signal 9, restarting\n${GAVE_UP}` },
  },
];

function lines(count: number): RegExp {
  return new RegExp(`^(.*child 0 \\(pid N\\) exited with status 1, restarting\n){${count}}${GAVE_UP}$`);
}

// --- The parent ---

const workshop = mkdtempSync(join(tmpdir(), 'prefork-workshop-'));
afterAll(() => rmSync(workshop, { recursive: true, force: true }));

/** A library that ignores SIGCHLD as soon as it is loaded. */
function buildIgnoreSigchld(): string {
  const library = join(workshop, 'ignore-sigchld.so');
  const source =
    '#include <signal.h>\n__attribute__((constructor)) static void f(void) { signal(SIGCHLD, SIG_IGN); }\n';
  const compiler = ['-shared', '-fPIC', '-o', library, '-xc', '-'];
  const { status, stderr } = spawnSync('cc', compiler, { input: source, encoding: 'utf8' });
  if (status !== 0) throw new Error(`cc: ${stderr}`);
  return library;
}

const MASTER_SIGNALS = [
  'SIGTERM',
  'SIGINT',
  'SIGHUP',
  'SIGKILL',
  'SIGQUIT',
  'SIGALRM',
  'SIGUSR2',
  'SIGABRT',
] as const;

/** With a handler these interrupt the wait, and it goes on: SIGWINCH and SIGURG too, which do nothing without one. */
const HANDLED = {
  SIGTERM: 15,
  SIGINT: 2,
  SIGHUP: 1,
  SIGUSR2: 12,
  SIGALRM: 14,
  SIGWINCH: 28,
  SIGURG: 23,
} as const;

const parents: Scenario[] = [
  ...MASTER_SIGNALS.map((signal) => ({
    name: `${signal} to the parent: the children live on`,
    program: 'forever',
    args: ['2', '0', 'basic-info'],
    sorted: true,
    async drive(running: Program) {
      await running.until(/ready \d pid=\d+\n/, 2);
      await running.asleep();
      running.kill(signal);
    },
    says: { end: signal, survivors: 2, stderr: 'INFO:tornado.general:Starting 2 processes' },
  })),
  ...Object.entries(HANDLED).map(([signal, number]) => ({
    name: `${signal} handled: the wait goes on`,
    program: 'forever',
    args: ['1', '1', 'default', `say:${number}`],
    async drive(running: Program) {
      await running.until(/ready 0 pid=\d+\n/);
      await running.asleep();
      running.kill(number);
      await running.until(/got \d+\n/);
      await running.asleep();
      running.kill(number);
      await running.until(/got \d+\n/, 2);
      running.kill('SIGKILL', running.numbers('pid')[0]);
      await running.until(/ready 0 pid=\d+\n/, 2);
      running.kill('SIGKILL', running.numbers('pid')[1]);
    },
    says: {
      stdout: `ready 0 pid=N\ngot ${number}\ngot ${number}\nready 0 pid=N`,
      end: 'status 1',
      survivors: 0,
    },
  })),
  {
    name: 'a handler that exits ends the wait',
    program: 'forever',
    args: ['2', '0', 'default', 'exit:15'],
    sorted: true,
    async drive(running) {
      await running.until(/ready \d pid=\d+\n/, 2);
      await running.asleep();
      running.kill('SIGTERM');
    },
    says: { end: 'status 5', survivors: 2, stdout: /got 15/ },
  },
  {
    name: 'a handler that throws ends the wait',
    program: 'forever',
    args: ['2', '0', 'default', 'throw:15'],
    sorted: true,
    async drive(running) {
      await running.until(/ready \d pid=\d+\n/, 2);
      await running.asleep();
      running.kill('SIGTERM');
    },
    says: { end: 'status 1', survivors: 2, stderr: 'error: oops' },
  },
  {
    name: 'SIGTERM to the whole process group',
    program: 'forever',
    args: ['3', '0', 'default'],
    sorted: true,
    fades: true,
    async drive(running) {
      await running.until(/ready \d pid=\d+\n/, 3);
      running.kill('SIGTERM', -running.pid);
    },
    says: { end: 'SIGTERM', stderr: '' },
  },
  {
    name: 'SIGCHLD ignored: ECHILD',
    program: 'sigchld_ignored',
    get env() {
      return { IGNORE_SIGCHLD: buildIgnoreSigchld() };
    },
    says: { end: 'status 1', stderr: 'error: ECHILD' },
  },
  {
    name: 'a stranger is reaped and not mentioned',
    program: 'stranger',
    says: {
      stdout: 'the stranger was reaped',
      end: 'status 0',
      stderr: /^.*Starting 1.*\n.*exited normally$/,
    },
  },
  { name: 'called again in a child', program: 'again', says: { stdout: 'AssertionError', end: 'status 0' } },
  { name: 'the forks are in the order of the ids', program: 'order', says: { stdout: 'order 0 1 2 3 4' } },
  {
    name: 'exit handlers of parent and children',
    program: 'exit_handlers',
    args: ['0', 'end', 'exit:0', '_exit:0'],
    sorted: true,
    says: { stdout: 'bye 0\nbye 1\nbye None', end: 'status 0' },
  },
  {
    name: 'exit handlers when giving up',
    program: 'exit_handlers',
    args: ['0', 'throw'],
    says: { stdout: 'bye 0\nbye None', end: 'status 1' },
  },
  {
    name: 'no two processes draw the same random number',
    program: 'random_numbers',
    says: { stdout: '9 different' },
  },
  {
    name: 'unflushed output is written by every process; Node writes at once',
    program: 'unflushed',
    args: ['3'],
    says: { stdout: 'xxxx' },
    instead: { stdout: 'x' },
  },
  {
    name: 'unbuffered output is written once',
    program: 'unflushed',
    args: ['3'],
    env: { PYTHONUNBUFFERED: '1' },
    says: { stdout: 'x' },
  },
];

// --- Numbers of processes, and logging ---

const counts: Scenario[] = [
  ...['1', '2', '5', '64'].map((count) => ({
    name: `${count} processes`,
    program: 'ids',
    args: [count, 'basic-info'],
    sorted: true,
    says: { stderr: new RegExp(`Starting ${count} processes`), end: 'status 0', survivors: 0 },
  })),
  ...['None', '0', '-1', '-100'].map((count) => ({
    name: `${count}: one for each processor`,
    program: 'ids',
    args: [count, 'basic-info'],
    sorted: true,
    says: { stderr: /Starting \d+ processes/, stdout: /after None/ },
  })),
  { name: 'cpu_count', program: 'cpus', says: { stdout: /^[1-9]\d*$/ } },
  { name: 'cpu_count is not affinity', program: 'cpus', under: ['taskset', '-c', '0'] },
];

const logging: Scenario[] = [
  { name: 'default', program: 'exits', args: ['1', '1', '_exit:7', 'default'], says: { stderr: /^child 0/ } },
  {
    name: 'default hides INFO',
    program: 'exits',
    args: ['1', '0', 'end', 'default'],
    says: { stderr: '', end: 'status 0' },
  },
  {
    name: 'basic',
    program: 'exits',
    args: ['1', '1', '_exit:7', 'basic'],
    says: { stderr: /^WARNING:tornado/ },
  },
  {
    name: 'basic with INFO',
    program: 'exits',
    args: ['1', '1', 'signal:9', 'basic-info'],
    says: { stderr: /^INFO:tornado.general:Starting 1 processes\nWARNING:tornado/ },
  },
  {
    name: 'pretty, a bad end',
    program: 'exits',
    args: ['1', '1', '_exit:7', 'pretty'],
    says: { stderr: /^\[I YYMMDD HH:MM:SS process:\d+\] Starting 1 processes\n\[W YYMMDD HH:MM:SS process/ },
  },
  { name: 'pretty, a signal', program: 'exits', args: ['1', '0', 'signal:15', 'pretty'] },
  { name: 'pretty, a normal end', program: 'exits', args: ['1', '0', 'end', 'pretty'] },
  {
    name: 'pretty, in colours on a terminal',
    program: 'exits',
    args: ['1', '0', '_exit:7', 'pretty'],
    under: ['script', '-qefc'],
    // biome-ignore lint/suspicious/noControlCharactersInRegex: the colours are what is looked for
    says: { stdout: /\x1b\[33m\[W YYMMDD HH:MM:SS process:\d+\]\x1b\(B\x1b\[m child 0/ },
  },
];

compare({ ends, restarts, parents, counts, logging });
