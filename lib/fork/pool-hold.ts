/**
 * libuv's thread pool is held up while a child of inChild(), a Pool or a Process is made. libuv counts what holds it up among the
 * requests in flight, and nobody else has a name for it.
 */
import { binding } from '../base/binding';
import { onePerProcess } from '../base/one-per-process';
import { setImmediate } from '../base/timers';

/** Turns of the loop after which what has held up the pool is taken to be gone, if other requests hide that. */
const TURNS = 50;

const state = onePerProcess('hold of the thread pool', () => ({
  /** Requests of the hold, and of holds before it, that may not have ended. */
  holders: 0,
  /** How often it was held or let go: whoever looks after one of them stops at the next. */
  changes: 0,
  /** In a quiet child that has not given its loop a turn: those by which its pool is made new. They do nothing. */
  renewers: 0,
}));

/** Of so many requests in flight: those that hold up the pool, or have just done so. */
export function holdersAmong(count: number): number {
  state.holders = Math.min(state.holders, count);
  return state.holders;
}

/** Of what is in flight: nothing that a fork would have done twice. */
export function harmlessRequests(): number {
  return state.renewers;
}

/** They end in the next turns of the loop, and only libuv hears of it. */
function lookAfter(change: number, turns: number): void {
  if (change !== state.changes) return;
  if (turns === 0) state.holders = 0;
  if (holdersAmong(binding.requests_in_flight()) === 0) return;
  setImmediate(lookAfter, change, turns - 1).unref();
}

/** Calls `held` at the bottom of the loop, when all threads of the pool are held up, or the time is over. 0, or a negative errno. */
export function holdPool(milliseconds: number, isAlone: boolean, held: () => void): number {
  const before = binding.requests_in_flight();
  const result = binding.quiet_at_rest(milliseconds, isAlone, held);
  if (result < 0) return result;
  state.changes++;
  state.holders = holdersAmong(before) + binding.requests_in_flight() - before;
  return result;
}

export function letPoolGo(): void {
  binding.quiet_release();
  lookAfter(++state.changes, TURNS);
}

/** In a quiet child, before anything of the program's is in flight. */
export function noteNewPool(): void {
  state.changes++;
  state.holders = 0;
  state.renewers = binding.requests_in_flight();
}

/** From now on they may have ended. */
export function forgetNewPool(): void {
  state.renewers = 0;
}
