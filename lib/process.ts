/**
 * Tornado's `tornado.process`: a process forks workers, waits for them, and restarts those that failed. `forkProcesses` is
 * the loop of `fork_processes`, step by step, no kinder than the original.
 * @module
 */
import { ok as assert } from 'node:assert';
import { channel } from 'node:diagnostics_channel';
import { readFileSync } from 'node:fs';
import { cpus } from 'node:os';
import { boolean, integer, invalidValue, object } from './base/arguments';
import { invalidType, preforkError } from './base/errors';
import { onePerProcess } from './base/one-per-process';
import { knownOptions } from './base/option-names';
import { type ActiveThing, activeThings, formatActive } from './fork/active';
import { FORK_PROCESSES } from './fork/channels';
import { forkFrom } from './fork/fork';
import type { Level } from './log/levels';
import { logAsTornado } from './log/loggers';
import { appLog, genLog } from './log/tornado-loggers';
import { closeSocketsOf, takeSocketsOf, workersNeeded } from './sockets/worker-sockets';
import { WEXITSTATUS, WIFSIGNALED, WTERMSIG } from './wait/status';
import { wait } from './wait/wait';
import { checkWarmupOptions, type WarmupOptions, warmup } from './warmup/warmup';

export {
  CalledProcessError,
  DEVNULL,
  PIPE,
  STDOUT,
  Subprocess,
  type SubprocessOptions,
  type SubprocessStream,
} from './posix/subprocess';

const MAX_PROCESSES = 2 ** 22; // the largest pid_max of Linux
const DEFAULT_MAX_RESTARTS = 100;

/** Options that the original lacks. */
export interface ForkProcessesOptions {
  /** Fork even if something is open on the event loop or in flight; every child then shares it, or does it again. Default: false. */
  allowActive?: boolean;
  /**
   * Call `warmup()` before the first fork, with these options, so that children share more memory. Default: false, as in
   * Tornado.
   */
  warmup?: boolean | WarmupOptions;
}

/** Set in the child. As in Tornado, its own children inherit it, and cannot call forkProcesses() either. */
const task = onePerProcess('task', (): { id: number | null } => ({ id: null }));

/**
 * Starts worker processes and keeps them running.
 *
 * **In each child** it returns the task id, 0 to `numProcesses - 1`. A child that does not end with status 0 is restarted
 * with the same id.
 *
 * **In the parent it does not return.** It blocks and waits; signal listeners run meanwhile. Once every child has ended
 * with status 0, it calls `process.exit(0)`, so that 'exit' listeners run. After more than `maxRestarts` restarts, of all
 * children together, it throws and leaves the others alive. It passes no signals on: if the parent is killed, the children
 * live on.
 *
 * @param numProcesses number of children; `undefined`, `null`, zero or less: one per processor (`cpuCount()`)
 * @param maxRestarts number of restarts allowed; `undefined` or `null`: 100
 * @throws AssertionError if called again in a child
 * @throws TypeError `ERR_PREFORK_INVALID_ARG_VALUE` if sockets were bound with `perWorker` for more processes
 * @throws Error `Cannot run in multiple processes: …` (code `ERR_PREFORK_BUSY`, with a list in `active`) before the first
 *   fork, if something that children would share is open on the event loop
 * @throws Error `Too many child restarts, giving up`
 * @throws SystemError what `fork()` and `wait()` throw: `EAGAIN` at the process limit, `ECHILD` if SIGCHLD is ignored
 */
export function forkProcesses(
  numProcesses?: number | null,
  maxRestarts?: number | null,
  options: ForkProcessesOptions = {},
): number {
  knownOptions('options', object('options', options), ['allowActive', 'warmup']);
  const { allowActive = false, warmup: warmsUp = false } = options;
  boolean('options.allowActive', allowActive);
  const warmupOptions = readWarmup(warmsUp);
  const limit = restartLimit(maxRestarts);
  assert(task.id === null, 'forkProcesses() was called again in a child');
  const count = processCount(numProcesses);
  refuseUnservedSockets(count);
  if (!allowActive) refuseActive();
  warnUnderWatch();
  channel(FORK_PROCESSES).publish({ count });
  tell('info', `Starting ${count} processes`, 'process:123');
  const children = new Map<number, number>();
  if (warmupOptions !== null) warmup(warmupOptions);

  // The task id in the child, null in the parent.
  function startChild(id: number): number | null {
    const pid = forkFrom(logHookError, { allowInFlight: allowActive });
    if (pid === 0) {
      /* child: fork() has reseeded Math.random and the other generators (_reseed_random) */
      task.id = id;
      takeSocketsOf(id);
      return id;
    }
    /* parent */
    children.set(pid, id);
    return null;
  }

  for (let i = 0; i < count; i++) {
    const id = startChild(i);
    if (id !== null) return id;
  }
  let restarts = 0;
  while (children.size > 0) {
    const [pid, status] = wait();
    const id = children.get(pid);
    if (id === undefined) continue;
    children.delete(pid);
    if (!reportAbnormal(id, pid, status)) {
      closeSocketsOf(id);
      continue;
    }
    restarts += 1;
    if (restarts > limit) throw new Error('Too many child restarts, giving up');
    const newId = startChild(id);
    if (newId !== null) return newId;
  }
  // As Tornado: all children ended cleanly, so the parent exits here instead of returning to right after the call,
  // where the program would probably start serving.
  process.exit(0);
}

/**
 * Returns the task id that `forkProcesses` gave this process; `null` if it has not returned here, as in the parent, and in
 * worker threads.
 */
export function taskId(): number | null {
  return task.id;
}

/**
 * Returns the number of processors of this machine, even if this process may not use all of them: as `os.cpu_count()`,
 * `sysconf(_SC_NPROCESSORS_ONLN)`.
 */
export function cpuCount(): number {
  const count = countRanges(onlineProcessors()) || cpus().length;
  if (count > 0) return count;
  tell('error', 'Could not detect number of processors; assuming 1', 'process:60');
  return 1;
}

/** The parent has no next tick in which to throw. */
function logHookError(error: unknown, called: string): void {
  appLog.exception('Exception in %s', called, error);
}

function tell(level: Level, message: string, line: string): void {
  logAsTornado(genLog, level, message, line);
}

/** Logs how the child ended. True if that was not by status 0; stopping and dumping core are no ends of their own. */
function reportAbnormal(id: number, pid: number, status: number): boolean {
  if (WIFSIGNALED(status)) {
    const signal = WTERMSIG(status);
    tell('warning', `child ${id} (pid ${pid}) killed by signal ${signal}, restarting`, 'process:149');
    return true;
  }
  const code = WEXITSTATUS(status);
  if (code !== 0) {
    tell('warning', `child ${id} (pid ${pid}) exited with status ${code}, restarting`, 'process:156');
    return true;
  }
  tell('info', `child ${id} (pid ${pid}) exited normally`, 'process:163');
  return false;
}

/** The kernel would give them their share of the connections, which would wait in vain. */
function refuseUnservedSockets(count: number): void {
  const bound = workersNeeded();
  if (bound <= count) return;
  throw invalidValue(
    `Expected a process for each socket that was bound with perWorker: ${bound} but numProcesses was ${count}`,
  );
}

function processCount(numProcesses: number | null | undefined): number {
  if (numProcesses === null || numProcesses === undefined) return cpuCount();
  const count = integer('numProcesses', numProcesses, -MAX_PROCESSES, MAX_PROCESSES);
  return count <= 0 ? cpuCount() : count;
}

function readWarmup(value: boolean | WarmupOptions): WarmupOptions | null {
  if (typeof value === 'boolean') return value ? {} : null;
  if (typeof value !== 'object' || value === null) {
    throw invalidType('options.warmup', 'a boolean or an object', value);
  }
  checkWarmupOptions(value);
  return value;
}

/** Any number but NaN: Infinity is Python's `math.inf`, a limit below zero ends it all at the first restart. */
function restartLimit(maxRestarts: unknown): number {
  if (maxRestarts === null || maxRestarts === undefined) return DEFAULT_MAX_RESTARTS;
  if (typeof maxRestarts === 'number' && !Number.isNaN(maxRestarts)) return maxRestarts;
  throw invalidType('maxRestarts', 'a number', maxRestarts);
}

/**
 * Tornado up to 4.5 raised RuntimeError here when an IOLoop existed. Node's loop always exists; what counts is
 * whether something that the children would share lives on it.
 */
function refuseActive(): void {
  const active = activeThings();
  if (active.length > 0) throw Object.assign(multipleProcessesError(active), { active });
}

function multipleProcessesError(active: ActiveThing[]): Error {
  const what = active.map((thing) => `\n  - ${formatActive(thing)}`).join('');
  const traced = active.some(({ openedAt }) => openedAt !== undefined);
  return preforkError(
    'ERR_PREFORK_BUSY',
    'Cannot run in multiple processes: the event loop already holds what every child would share or do again:' +
      `${what}\nOpen it after forkProcesses(), in each child, or call forkProcesses(n, max, { allowActive: true }).` +
      (traced ? '' : '\nWith PREFORK_TRACE=1 in the environment this says where each was opened.'),
  );
}

/** Tornado's documentation: "multiple processes are not compatible with the autoreload module". */
function warnUnderWatch(): void {
  if (process.env['WATCH_REPORT_DEPENDENCIES'] === undefined) return;
  genLog.warn(
    'forkProcesses() under node --watch: on a change only the parent is restarted, its children live on',
  );
}

/** `0-3,8`: how Linux, and with it glibc's sysconf, writes the processors that are on. */
function onlineProcessors(): string {
  try {
    return readFileSync('/sys/devices/system/cpu/online', 'latin1').trim();
  } catch {
    return '';
  }
}

function countRanges(text: string): number {
  if (text === '') return 0;
  return text
    .split(',')
    .map((range) => range.split('-').map(Number))
    .reduce((sum, [first = 0, last = first]) => sum + last - first + 1, 0);
}
