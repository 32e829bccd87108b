/**
 * Waiting, without a thread and without looking again and again: on the event loop, or blocking it. Whoever waits looks first,
 * and again after each ring of this process's bell and each end of a process that it has asked to be told of.
 *
 * The bell and the processes are in one set of descriptors, which can be read when there is news. Rings and ends stay in it
 * until they are taken: none can come between a look and a sleep.
 */
import { closeSync } from 'node:fs';
import { binding, type NativeReadiness } from '../base/binding';
import { check, invalidType, systemError } from '../base/errors';
import { onePerProcess } from '../base/one-per-process';
import { clearTimeout, monotonic, setTimeout } from '../base/timers';
import { blockUntil } from '../wait/block';
import { inEachChild, isAlive, pidOf, ring, self } from './members';

/** What can be waited for. */
export interface Awaited<T> {
  /** What has come; undefined: nothing yet. It says whose end it has to be told of. */
  look(wait: Wait): T | undefined;
  /** Nobody waits for it any more: its time is over, or it threw. */
  leave(): void;
}

interface Watched {
  fd: number;
  /** How many waits want to know. */
  count: number;
}

const NOBODY = 0;
/** Where no descriptor of a process can be had, it is looked at so often. */
const LOOK_AGAIN = 20; // ms
const LONGEST = 2 ** 31 - 1; // ms

const state = onePerProcess('multiprocessing news', () => ({
  isKnown: false,
  set: -1,
  listening: undefined as NativeReadiness | undefined,
  waits: new Set<Wait>(),
  watched: new Map<number, Watched>(),
  /** Goes up with each fork, in the child: what the parent waits for is not the child's. */
  process: 0,
  blindTimer: undefined as NodeJS.Timeout | undefined,
}));

function forgetParent(): void {
  stopListening();
  if (state.set >= 0) closeSync(state.set);
  for (const { fd } of state.watched.values()) closeSync(fd);
  clearTimeout(state.blindTimer);
  state.set = -1;
  state.waits = new Set();
  state.watched = new Map();
  state.blindTimer = undefined;
  state.process++;
}

/** What there is of this in a child from now on is not its parent's. */
function noticeForks(): void {
  if (!state.isKnown) inEachChild(forgetParent);
  state.isKnown = true;
}

/** A list of this process's own, which is empty in a child of it. */
export class OwnList<T> {
  #process = state.process;
  #items: T[] = [];

  constructor() {
    noticeForks();
  }

  get items(): T[] {
    if (this.#process === state.process) return this.#items;
    this.#process = state.process;
    this.#items = [];
    return this.#items;
  }
}

function openSet(): number {
  if (state.set >= 0) return state.set;
  noticeForks();
  const { bell } = self();
  const set = check(binding.poll_set_open(), 'epoll_create1');
  const added = binding.poll_set_add(set, bell);
  if (added < 0) closeSync(set); // without the bell nobody would ever hear of anything
  check(added, 'epoll_ctl');
  state.set = set;
  return set;
}

// --- ends of processes

function closeProcess(fd: number): void {
  binding.poll_set_remove(state.set, fd);
  closeSync(fd);
}

function unwatch(identity: number): void {
  const watched = state.watched.get(identity);
  if (watched === undefined) return;
  state.watched.delete(identity);
  closeProcess(watched.fd);
}

function unwatchOnce(identity: number): void {
  const watched = state.watched.get(identity);
  if (watched !== undefined && --watched.count === 0) unwatch(identity);
}

/** -1: not to be had here. */
function openProcess(identity: number): number {
  const fd = binding.process_descriptor(pidOf(identity));
  if (fd < 0) return -1;
  if (binding.poll_set_add(openSet(), fd) >= 0) return fd;
  closeSync(fd);
  return -1;
}

function lookBlindly(): void {
  state.blindTimer ??= setTimeout(() => {
    state.blindTimer = undefined;
    lookAll();
  }, LOOK_AGAIN);
}

/** One who waits for one thing. */
export class Wait {
  #watched = NOBODY;
  isBlind = false;
  readonly look: () => void;

  constructor(look: () => void) {
    this.look = look;
  }

  /** From now on there is news when that process ends. False: it has. */
  watch(identity: number): boolean {
    if (this.#watched === identity) return true;
    this.unwatch();
    const known = state.watched.get(identity);
    const fd = known?.fd ?? openProcess(identity);
    // After it was opened: its number belonged to it at that time.
    if (!isAlive(identity)) {
      if (known === undefined && fd >= 0) closeProcess(fd);
      return false;
    }
    if (fd < 0) {
      this.isBlind = true;
      return true;
    }
    state.watched.set(identity, { fd, count: (known?.count ?? 0) + 1 });
    this.#watched = identity;
    return true;
  }

  unwatch(): void {
    if (this.#watched !== NOBODY) unwatchOnce(this.#watched);
    this.#watched = NOBODY;
    this.isBlind = false;
  }

  /** Its process has ended: it has to look. */
  forget(identity: number): void {
    if (this.#watched === identity) this.#watched = NOBODY;
  }
}

// --- news

const readable = new Int32Array(64);
const ringRoom = new Uint8Array(1);
const noDescriptors = new Int32Array(0);
const received = new Int32Array(2);

function silenceBell(bell: number): void {
  // No more than a queue holds by default (net.unix.max_dgram_qlen): what comes later is news for the next turn.
  for (let i = 0; i < 16; i++) {
    if (binding.fds_receive(bell, ringRoom, noDescriptors, 0, received) < 0) return;
  }
}

function hasEnded(fd: number): void {
  for (const [identity, watched] of state.watched) {
    if (watched.fd !== fd) continue;
    unwatch(identity);
    for (const wait of state.waits) wait.forget(identity);
  }
}

/** So that each ring is news once. */
function takeNews(): void {
  const { bell } = self();
  const count = binding.poll_set_readable(state.set, readable);
  for (const fd of readable.subarray(0, Math.max(0, count))) {
    if (fd === bell) silenceBell(bell);
    else hasEnded(fd);
  }
}

function lookAll(): void {
  for (const wait of [...state.waits]) {
    if (state.waits.has(wait)) wait.look();
  }
  listenIfAnyWaits();
}

/** The loop is kept alive by those that wait, and nothing of this is on it when nobody does. */
function listenIfAnyWaits(): void {
  if (state.waits.size === 0) stopListening();
  else listen();
  if ([...state.waits].some(({ isBlind }) => isBlind)) lookBlindly();
}

function stopListening(): void {
  if (state.listening !== undefined) binding.readiness_stop(state.listening);
  state.listening = undefined;
}

function listen(): void {
  if (state.listening !== undefined) return;
  const listening = binding.readiness_start(openSet(), false, () => {
    takeNews();
    lookAll();
  });
  if (typeof listening === 'number') check(listening, 'epoll_ctl');
  else state.listening = listening;
}

// --- waits

/** Milliseconds of what is given in seconds, as Python has it; null or undefined: no limit. */
export function timeLimit(seconds: number | null | undefined): number | undefined {
  if (seconds === null || seconds === undefined) return undefined;
  if (typeof seconds !== 'number' || Number.isNaN(seconds))
    throw invalidType('timeout', 'a number of seconds', seconds);
  return seconds === Number.POSITIVE_INFINITY ? undefined : Math.max(0, seconds * 1000);
}

/** What comes within so many milliseconds, or undefined. The loop turns meanwhile, and is kept alive. */
export function soon<T>(awaited: Awaited<T>, within: number | undefined): Promise<T | undefined> {
  return new Promise((resolve, reject) => {
    let timer: NodeJS.Timeout | undefined;
    const end = () => {
      wait.unwatch();
      clearTimeout(timer);
      state.waits.delete(wait);
    };
    const attempt = (): boolean => {
      try {
        const found = awaited.look(wait);
        if (found === undefined) return false;
        end();
        resolve(found);
      } catch (error) {
        end();
        awaited.leave();
        reject(error);
      }
      return true;
    };
    const wait = new Wait(attempt);
    const giveUp = () => {
      if (!state.waits.has(wait)) return; // in a child it is the parent's
      if (!attempt()) {
        end();
        awaited.leave();
        resolve(undefined);
      }
      listenIfAnyWaits();
    };
    if (attempt()) return;
    try {
      state.waits.add(wait);
      listenIfAnyWaits();
    } catch (error) {
      end();
      awaited.leave();
      reject(error);
      return;
    }
    if (within !== undefined) timer = setTimeout(giveUp, Math.min(LONGEST, Math.ceil(within)));
  });
}

/** The same, blocking the thread and its event loop; listeners of signals run, and what they throw ends the wait. */
export function blocking<T>(awaited: Awaited<T>, within: number | undefined): T | undefined {
  const wait = new Wait(() => {});
  const end = within === undefined ? Number.POSITIVE_INFINITY : monotonic() + within;
  const left = () => Math.max(0, end - monotonic());
  const attempt = (): { found: T | undefined } | undefined => {
    takeNews();
    const found = awaited.look(wait);
    return found !== undefined || left() === 0 ? { found } : undefined;
  };
  let found: T | undefined;
  state.waits.add(wait);
  try {
    ({ found } = blockUntil('poll', attempt, {
      fd: openSet(),
      within: () => Math.min(left(), wait.isBlind ? LOOK_AGAIN : Number.POSITIVE_INFINITY),
    }));
    return found;
  } finally {
    wait.unwatch();
    state.waits.delete(wait);
    if (found === undefined) awaited.leave();
    // What came meanwhile was taken: others have not seen it.
    if (state.waits.size > 0) ring(self().identity);
  }
}

// --- descriptors of their own

const readinesses = new Set<NativeReadiness>();
let isForgotten = false;

function forgetReadinesses(): void {
  for (const each of readinesses) binding.readiness_stop(each);
  readinesses.clear();
}

/** Calls back in the loop, once, when the descriptor can be read or written; the function that is returned stops that. */
export function whenReady(fd: number, forWriting: boolean, ready: () => void, keepsAlive = true): () => void {
  if (!isForgotten) inEachChild(forgetReadinesses);
  isForgotten = true;
  const stop = () => {
    if (readinesses.delete(readiness)) binding.readiness_stop(readiness);
  };
  const started = binding.readiness_start(fd, forWriting, () => {
    stop();
    ready();
  });
  if (typeof started === 'number') throw systemError(started, 'epoll_ctl');
  const readiness = started;
  if (!keepsAlive) binding.readiness_keep_alive(readiness, false);
  readinesses.add(readiness);
  return stop;
}

function readableNow(set: number): number[] {
  return [...readable.subarray(0, check(binding.poll_set_readable(set, readable), 'epoll_wait'))];
}

/**
 * Which of these can be read, at least one, within so many milliseconds; or none.
 *
 * @param interrupts gets what ends the wait, as long as it goes on
 */
export async function readableOf(
  fds: readonly number[],
  within: number | undefined,
  interrupts: (() => void)[] = [],
): Promise<number[]> {
  const set = check(binding.poll_set_open(), 'epoll_create1');
  noticeForks();
  const own = state.process;
  try {
    for (const fd of new Set(fds)) check(binding.poll_set_add(set, fd), 'epoll_ctl');
    const found = readableNow(set);
    if (found.length > 0 || within === 0) return found;
    await new Promise<void>((resolve) => {
      const end = () => {
        stop();
        clearTimeout(timer);
        const at = interrupts.indexOf(end);
        if (at >= 0) interrupts.splice(at, 1);
        resolve();
      };
      const stop = whenReady(set, false, end);
      const timer = within === undefined ? undefined : setTimeout(end, Math.min(LONGEST, Math.ceil(within)));
      interrupts.push(end);
    });
    return own === state.process ? readableNow(set) : [];
  } finally {
    closeSync(set);
  }
}
