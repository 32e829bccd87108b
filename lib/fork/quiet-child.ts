/** A child that has all of this process's memory, and in which nothing of this program goes on but one function. */
import { constants } from 'node:os';
import { inspect } from 'node:util';
import { isMainThread, MessageChannel } from 'node:worker_threads';
import { binding } from '../base/binding';
import { writeToStderr } from '../base/blocking-write';
import { preforkError, systemError } from '../base/errors';
import { onePerProcess } from '../base/one-per-process';
import { monotonic, setImmediate, setTimeout } from '../base/timers';
import { forkAtRest } from './fork';
import { forgetNewPool, holdPool, letPoolGo } from './pool-hold';
import { findQueues } from './quiet-queues';
import { findChannels } from './resolver';
import { hasOtherThreads } from './worker-threads';

interface Wanted {
  work: () => void;
  /** Asked when its turn comes. */
  isWanted: () => boolean;
  resolve: (pid: number) => void;
  reject: (error: unknown) => void;
  since: number;
}

/** Milliseconds for which the thread pool is held up: at first, at most; and after which it is given up. */
const FIRST_HOLD = 20;
const LONGEST_HOLD = 2000;
const DEADLINE = 10_000;
/** Between two attempts. */
const PAUSE = 5;
/** No process. */
const NOBODY = 0;

/** Of this process; in a quiet child there are none. */
const state = onePerProcess('quiet children', () => ({
  wanted: [] as Wanted[],
  hold: FIRST_HOLD,
  isKnown: undefined as boolean | undefined,
  /** Its listener; a child has none, and begins anew. */
  releasesAtExit: undefined as NodeJS.Process | undefined,
}));

function prepare(): boolean {
  if (!findQueues()) return false;
  const { port1 } = new MessageChannel();
  const result = binding.quiet_prepare();
  port1.close();
  return result >= 0;
}

/** Once: the parts of Node that have to be known. */
function requireSupport(): void {
  if (!isMainThread) {
    throw preforkError(
      'ERR_PREFORK_UNSUPPORTED',
      'A child of this kind can be forked by the main thread alone: ask it to, by a message',
    );
  }
  state.isKnown ??= prepare();
  state.releasesAtExit ??= process.on('exit', letPoolGo);
  if (state.isKnown) return;
  throw preforkError(
    'ERR_PREFORK_UNSUPPORTED',
    'A child of this kind needs glibc, a Node with inspector, and at most 48 functions given to pthread_atfork()',
  );
}

function busy(): Error {
  return preforkError(
    'ERR_PREFORK_BUSY',
    `For ${DEADLINE / 1000} seconds a thread was in the middle of native code that cannot be left behind: ` +
      'a worker thread, or one of the thread pool',
  );
}

/** Whatever happens it must not go on as the parent does. */
function runInChild(work: () => void): void {
  state.wanted = [];
  state.hold = FIRST_HOLD;
  state.releasesAtExit = undefined;
  try {
    work();
  } catch (error) {
    leaveWith(error);
  } finally {
    forgetNewPool();
  }
}

function leaveWith(error: unknown): never {
  writeToStderr(`${inspect(error)}\n`);
  return binding.process_exit(1);
}

/** The pid; 0 from the child, when it has called `work`; undefined: not at this moment. Or what the fork throws. */
function forkFor({ work }: Wanted): number | undefined {
  const parent = binding.process_getpid();
  try {
    findChannels();
    const pid = forkAtRest();
    if (pid === 0) runInChild(work);
    return pid < 0 ? undefined : pid;
  } catch (error) {
    if (binding.process_getpid() !== parent) leaveWith(error);
    throw error;
  }
}

/** How one that waits is to be told; undefined: that is for another time. */
function serve(wanted: Wanted): (() => void) | undefined {
  try {
    const pid = wanted.isWanted() ? forkFor(wanted) : NOBODY;
    if (pid === undefined && monotonic() - wanted.since < DEADLINE) return undefined;
    if (pid === undefined) throw busy();
    return () => pid > 0 && wanted.resolve(pid);
  } catch (error) {
    return () => wanted.reject(error);
  }
}

/** Serves those that wait, one after the other, as far as that can be. In a child nobody is to hear of it. */
function serveAll(): (() => void)[] {
  const owner = binding.process_getpid();
  const news: (() => void)[] = [];
  for (let wanted = state.wanted[0]; wanted !== undefined; wanted = state.wanted[0]) {
    const tell = serve(wanted);
    if (binding.process_getpid() !== owner) return [];
    if (tell === undefined) break;
    news.push(tell);
    state.wanted.shift();
  }
  return news;
}

function beginLater(): void {
  state.hold = Math.min(2 * state.hold, LONGEST_HOLD);
  setTimeout(begin, PAUSE);
}

/** At the bottom of the loop. A child, too, returns from here. */
function forkAll(): void {
  const owner = binding.process_getpid();
  const news = serveAll();
  if (binding.process_getpid() !== owner) return;
  letPoolGo();
  if (state.wanted.length > 0) beginLater();
  else state.hold = FIRST_HOLD;
  for (const tell of news) tell();
}

function begin(): void {
  const result = holdPool(state.hold, !hasOtherThreads(), forkAll);
  // Called by who has just heard of a child, before the callback of that one has returned.
  if (result === -constants.errno.EBUSY) setImmediate(begin);
  else if (result < 0) refuseAll(systemError(result, 'fork'));
}

/** There is no memory to hold up the pool with. */
function refuseAll(error: Error): void {
  for (const { reject } of state.wanted.splice(0)) reject(error);
}

/**
 * Forks at the next turn of the event loop, when no JavaScript is under way and the thread pool has nothing in hand, and has
 * the child call `work`. Nobody else is called in the child: no listener, timer, immediate, tick or promise of this program.
 * Its loop works for what `work` opens.
 *
 * Resolves in the parent to the child's pid. If `isWanted` says no when its turn comes there is no child, and the promise
 * stays as it is. What `work` throws ends the child.
 * @throws Error `ERR_PREFORK_BUSY`, `ERR_PREFORK_UNSUPPORTED`, and whatever fork() throws
 */
export function forkQuietly(work: () => void, isWanted: () => boolean = () => true): Promise<number> {
  requireSupport();
  return new Promise((resolve, reject) => {
    state.wanted.push({ work, isWanted, resolve, reject, since: monotonic() });
    if (state.wanted.length === 1) begin();
  });
}
