/**
 * What the application has written before it listens, and what is not out yet. Memory that a fork copies would be written by
 * each worker once more. What is in flight keeps a fork waiting in any case (`isBusy`); the rest is found here.
 */
import { readdirSync, readFileSync, readlinkSync } from 'node:fs';
import { basename } from 'node:path';
import { hasNodeLoaded } from '../../base/loaded-builtins';
import { monotonic, nextTick } from '../../base/timers';
import { closureVariables } from '../../fork/random/closure-variables';
import { threadsOfWorkers } from '../../fork/worker-threads';

// --- Streams that are being opened ---

/** One call of process.nextTick (lib/internal/process/task_queues.js). */
interface Tick {
  callback?: { name?: unknown };
  args?: unknown[];
}

/** Of all of them: lib/internal/fixed_queue.js. */
interface TickQueue {
  tail: Part | null;
}

interface Part {
  list: (Tick | undefined)[];
  next: Part | null;
}

/** Found once; null: it cannot be had. */
let ticks: TickQueue | null | undefined;

/** Whether a stream that holds something waits for a tick, as one does that has yet to be opened: nothing is in flight then. */
export function areStreamsWaiting(): boolean {
  if (!hasNodeLoaded('internal/fs/streams')) return false;
  if (ticks === undefined) ticks = findTicks();
  for (let part = ticks?.tail ?? null; part !== null; part = part.next) {
    if (part.list.some((tick) => tick !== undefined && isOfStream(tick))) return true;
  }
  return false;
}

function findTicks(): TickQueue | null {
  try {
    const queue = closureVariables([nextTick], ['queue']).get('queue') as Partial<TickQueue> | undefined;
    return Array.isArray(queue?.tail?.list) ? (queue as TickQueue) : null;
  } catch {
    return null; // no inspector in this build, or another Node than we know
  }
}

/** Of one that holds something, or that has just been opened: which, only that call knows (lib/internal/streams/destroy.js). */
function isOfStream({ callback, args = [] }: Tick): boolean {
  return callback?.name === 'onConstruct' || args.some(holdsSomething);
}

function holdsSomething(value: unknown): boolean {
  const { writableLength = 0, readableLength = 0 } = (value ?? {}) as Record<string, unknown>;
  return Number(writableLength) > 0 || Number(readableLength) > 0;
}

// --- What is gathered in memory, and threads that write ---

/** SonicBoom, in which pino gathers lines; and ThreadStream, to whose threads its transports give them. */
interface Gathering {
  destroyed: boolean;
  flushSync(): void;
}

const INTERVAL = 1;
/** Milliseconds. A thread that works for itself may never rest. */
const PATIENCE = 5000;
const PATIENCE_WITH_OTHERS = 100;

/**
 * Until all lines that the application has given to such are out. Blocks: the application does not go on meanwhile. false: a
 * thread was still at work when there was no more time for it.
 */
export function flushGathered(): boolean {
  for (const gathering of toBeFlushedAtExit()) flush(gathering);
  const workers = threadsOfWorkers();
  const streams = workers.flatMap((worker) => streamOf(worker) ?? []);
  if (streams.length === 0) return true;
  for (const stream of streams) flush(stream);
  return isAtRestWithin(streams.length === workers.length ? PATIENCE : PATIENCE_WITH_OTHERS);
}

/** The package on-exit-leak-free has one listener for all, and a list of its own. */
function toBeFlushedAtExit(): Gathering[] {
  const listeners = process.listeners('exit').filter(({ name }) => name === 'onExit');
  return listeners.flatMap((listener) => {
    const list = listOf(listener);
    return Array.isArray(list) ? list.flatMap((reference) => gatheringIn(reference) ?? []) : [];
  });
}

function listOf(listener: unknown): unknown {
  try {
    const refs = closureVariables([listener], ['refs']).get('refs') as { exit?: unknown } | undefined;
    return refs?.exit;
  } catch {
    return undefined; // no inspector in this build, or another Node than we know
  }
}

/** It leaves itself on its thread. */
function streamOf(worker: object): Gathering | undefined {
  return gatheringIn(Reflect.get(worker, 'stream'));
}

/** In a WeakRef, or in what looks like one. */
function gatheringIn(reference: unknown): Gathering | undefined {
  const { deref } = (reference ?? {}) as { deref?: () => Partial<Gathering> | undefined };
  const found = typeof deref === 'function' ? Reflect.apply(deref, reference, []) : undefined;
  return typeof found?.flushSync === 'function' ? (found as Gathering) : undefined;
}

/** A thread has taken all then; whether that is out nobody says. */
function flush(gathering: Gathering): void {
  try {
    if (!gathering.destroyed) gathering.flushSync();
  } catch {
    // What does not work: the application hears of it by an event.
  }
}

/** Whether no other thread has run for a moment: neither those that write nor the pool that does it for them. */
function isAtRestWithin(patience: number): boolean {
  const end = monotonic() + patience;
  let before = doings();
  while (monotonic() < end) {
    pause(INTERVAL);
    const now = doings();
    if (now === before && !/^State:\s+[RD]/m.test(now)) return true;
    before = now;
  }
  return false;
}

function pause(milliseconds: number): void {
  Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, milliseconds);
}

/** Of every other thread: whether it runs, and how often it has begun to (proc_pid_status(5)). */
function doings(): string {
  const own = basename(readlinkSync('/proc/thread-self'));
  const threads = readdirSync('/proc/self/task').filter((tid) => tid !== own);
  return threads.map((tid) => `${tid}\n${doingOf(tid)}`).join('\n');
}

function doingOf(tid: string): string {
  try {
    const status = readFileSync(`/proc/self/task/${tid}/status`, 'latin1');
    return [...status.matchAll(/^(?:State|\w*voluntary_ctxt_switches):.*$/gm)].join('\n');
  } catch {
    return ''; // it has ended
  }
}
