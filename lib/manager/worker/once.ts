/** What one worker of a service does for all: a timetable, the cleaning of a cache, a subscription. */
import { callable, string } from '../../base/arguments';
import { binding } from '../../base/binding';
import { onePerProcess } from '../../base/one-per-process';
import { nextTick } from '../../base/timers';
import { registerAtFork } from '../../fork/at-fork';
import { findCell } from '../../shared/counters';
import { sharedCounterCells } from '../../shared/memory';
import { scoreboard } from '../scoreboard';
import { factsOf } from '../system/process-facts';
import { isManaged, ownRow } from './worker';

interface Task {
  work: (signal: AbortSignal) => void;
  /** Where the process that does it has its name. */
  cell: number;
  /** Of this process, while it does it. */
  doing: AbortController | undefined;
}

/** By key. Copied by a fork: each worker finds what its template was told. */
const tasks = onePerProcess('once', () => new Map<string, Task>());

const NOBODY = 0n;
const PID_BITS = 22n; // the kernel's largest number of a process has as many (PID_MAX_LIMIT)

/** Which process it is, also if another one gets its number later. */
function identityOf(pid: number): bigint {
  const facts = factsOf(pid);
  if (facts === undefined || facts.isZombie) return NOBODY;
  return (BigInt(facts.started) << PID_BITS) | BigInt(pid);
}

/** Where /proc cannot be read, for want of a descriptor say, a process that the kernel knows is taken for there. */
function isThere(identity: bigint): boolean {
  if (identity === NOBODY) return false;
  const pid = Number(BigInt.asUintN(Number(PID_BITS), identity));
  const found = identityOf(pid);
  return found === identity || (factsOf(pid) === undefined && isKnown(pid));
}

function isKnown(pid: number): boolean {
  try {
    return process.kill(pid, 0);
  } catch (error) {
    return (error as NodeJS.ErrnoException).code !== 'ESRCH';
  }
}

/** Takes what nobody does, or somebody who has ended. Of several that try, one succeeds. */
function tryToTake({ cell }: Task): boolean {
  const own = identityOf(binding.process_getpid());
  if (own === NOBODY) return false; // without a name of its own nobody would know of it
  const cells = sharedCounterCells();
  const holder = Atomics.load(cells, cell);
  return !isThere(holder) && Atomics.compareExchange(cells, cell, holder, own) === holder;
}

/** What it throws is an uncaught exception, as in a timer. */
function begin(task: Task): void {
  const doing = new AbortController();
  task.doing = doing;
  registerAtFork({ afterInChild: () => doing.abort() });
  nextTick(() => task.work(doing.signal));
}

/** Ready, and of the newest version that there is: old ones, and those that a reload is about to replace, begin nothing. */
function mayBegin(): boolean {
  const row = ownRow();
  if (row?.isReady !== true) return false;
  const generation = row.get('generation');
  return scoreboard().every((each) => each.generation <= generation);
}

/** At each beat of a worker: it does what no other one does. */
export function takeOver(): void {
  if (tasks.size === 0 || !mayBegin()) return;
  for (const task of tasks.values()) {
    if (task.doing === undefined && tryToTake(task)) begin(task);
  }
}

/** When a worker is asked to end. The others notice when it has. */
export function giveUpOnce(): void {
  for (const { doing } of tasks.values()) doing?.abort();
}

/**
 * Calls `work` in one worker of the service, once it is ready; when that one has ended, in another one, within a second. In a reload
 * that is one of the new version.
 *
 * Under `prefork` call it anywhere, in each worker or before `listen`: the first call with a key counts in each process. `work` gets
 * an AbortSignal, which is aborted when its worker is asked to end (also in a reload): stop then. The next worker begins when that
 * one has ended, so there are never two.
 *
 * A child that a worker forks does nothing of it, and its signal is aborted. Where no manager runs, `work` is called in the next tick.
 * @param key says what is to be done once; each service has its own
 * @throws TypeError `ERR_PREFORK_INVALID_ARG_TYPE`
 * @throws RangeError `ERR_PREFORK_OUT_OF_RANGE` if there are more than 4,096 keys and shared counters
 */
export function once(key: string, work: (signal: AbortSignal) => void): void {
  string('key', key);
  callable('work', work);
  if (tasks.has(key)) return;
  const task: Task = { work, cell: findCell(sharedCounterCells(), `once ${key}`), doing: undefined };
  tasks.set(key, task);
  if (!isManaged()) begin(task);
}
