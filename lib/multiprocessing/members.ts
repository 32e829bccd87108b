/**
 * The processes that share locks, queues and the rest: a process and all that it forks, and they fork. Each has a place in one
 * table, and a bell: a datagram socket of its own with a name in the abstract namespace, which the others ring after they have
 * changed something that it waits for.
 *
 * A member is known to the others by its identity, a number that is never anybody else's: its place, and how often that was
 * taken. The kernel closes the bell with the process, however that ends, and a bell that nobody has is how its death shows.
 * So a member is alive exactly as long as its bell can be rung. Whatever comes over a bell says only: look.
 */
import { closeSync } from 'node:fs';
import { constants } from 'node:os';
import { outOfRange } from '../base/arguments';
import { binding } from '../base/binding';
import { check, systemError } from '../base/errors';
import { onePerProcess } from '../base/one-per-process';
import { registerAtFork } from '../fork/at-fork';

const { ECONNREFUSED, EMFILE, ENFILE, ENOMEM, ESRCH } = constants.errno;

/** Places 1 to this one; 0 is nobody. With the words at the beginning of a line they fill a page (line.ts). */
export const MOST_MEMBERS = 1007;

const PLACE_BITS = 10;
const TIMES = 2 ** 20;

/** Of each place, in words. */
const RECORD = { words: 4, pid: 0, times: 1, bell: 2 } as const;

/** This process among them. */
export interface Self {
  readonly identity: number;
  /** Receives a datagram for each ring. */
  readonly bell: number;
}

const state = onePerProcess('multiprocessing members', () => ({
  table: undefined as Int32Array | undefined,
  self: undefined as Self | undefined,
  /** Given up when there is no descriptor left to ring with. */
  spare: -1,
  /** Called in a child, before anything of the program runs: what they keep is the parent's. */
  forgetters: [] as (() => void)[],
}));

/** Calls `forget` in each child that is forked from now on, in the order of these calls. */
export function inEachChild(forget: () => void): void {
  if (state.forgetters.length === 0) {
    registerAtFork({
      afterInChild: () => {
        for (const each of state.forgetters) each();
      },
    });
  }
  state.forgetters.push(forget);
}

function forgetParent(): void {
  const { self, spare } = state;
  state.self = undefined;
  state.spare = -1;
  // At once: as long as it is open here, the parent's death would not be seen.
  if (self !== undefined) closeSync(self.bell);
  if (spare >= 0) closeSync(spare);
}

function makeTable(): Int32Array {
  const bytes = (MOST_MEMBERS + 1) * RECORD.words * Int32Array.BYTES_PER_ELEMENT;
  const made = binding.shared_block(bytes);
  if (typeof made === 'number') throw systemError(-ENOMEM, 'mmap');
  inEachChild(forgetParent);
  return new Int32Array(made);
}

/** The table, which must be there before the fork. */
export function family(): Int32Array {
  state.table ??= makeTable();
  return state.table;
}

function bellName(place: number): string {
  const at = place * RECORD.words + RECORD.bell;
  const [high, low] = [family()[at] ?? 0, family()[at + 1] ?? 0].map((half) => (half >>> 0).toString(16));
  return `\0prefork-${high}-${low}`;
}

function openSocket(): number {
  return check(binding.socket_open_datagram(binding.socket_constants.AF_UNIX), 'socket');
}

/** A place that was nobody's, or that of a process which has ended: whatever is known of that one is no member any more. */
function takePlace(): number {
  const table = family();
  const own = binding.process_getpid();
  for (let place = 1; place <= MOST_MEMBERS; place++) {
    const at = place * RECORD.words + RECORD.pid;
    const pid = Atomics.load(table, at);
    // With its own number it was a process of long ago.
    const isFree = pid === 0 || pid === own || binding.process_kill(pid, 0) === -ESRCH;
    if (isFree && Atomics.compareExchange(table, at, pid, own) === pid) return place;
  }
  throw outOfRange(`Expected at most ${MOST_MEMBERS} processes that use the same locks and queues at a time`);
}

/**
 * The bell is named before the identity is anybody's, and hung up before it is named: nobody finds half a member. And before
 * that the identity of whoever had the place is nobody's any more, or the new bell would be taken for a sign that that one lives:
 * the times are below 0 meanwhile.
 */
function join(): Self {
  const bell = openSocket();
  try {
    const table = family();
    const place = takePlace();
    const at = place * RECORD.words;
    // Below 0 already, if one was killed in the middle of this.
    const before = Math.abs(table[at + RECORD.times] ?? 0);
    Atomics.store(table, at + RECORD.times, -before);
    binding.random_fill(table.subarray(at + RECORD.bell, at + RECORD.words));
    check(binding.socket_bind_unix(bell, bellName(place)), 'bind');
    const times = (before + 1) % TIMES || 1;
    Atomics.store(table, at + RECORD.times, times);
    state.spare = openSocket();
    return { identity: (times << PLACE_BITS) | place, bell };
  } catch (error) {
    closeSync(bell);
    throw error;
  }
}

/** This process, which becomes a member by the first call. */
export function self(): Self {
  state.self ??= join();
  return state.self;
}

function placeOf(identity: number): number | undefined {
  const place = identity & (2 ** PLACE_BITS - 1);
  const times = Atomics.load(family(), place * RECORD.words + RECORD.times);
  return times === identity >> PLACE_BITS ? place : undefined;
}

/** Its process's number: of somebody else, perhaps, unless `isAlive` says yes afterwards. */
export function pidOf(identity: number): number {
  const place = identity & (2 ** PLACE_BITS - 1);
  return Atomics.load(family(), place * RECORD.words + RECORD.pid);
}

/** Whether it has not ended yet. If its place has become another's meanwhile, the bell that was heard may be that one's. */
export function isAlive(identity: number): boolean {
  const place = placeOf(identity);
  if (place === undefined || binding.output_is_heard(bellName(place)) === 0) return false;
  return placeOf(identity) === place;
}

function send(name: string): number {
  const result = binding.output_send_datagram(name, '!');
  if ((result !== -EMFILE && result !== -ENFILE) || state.spare < 0) return result;
  closeSync(state.spare);
  const again = binding.output_send_datagram(name, '!');
  state.spare = binding.socket_open_datagram(binding.socket_constants.AF_UNIX);
  return again;
}

/** Has it look. False: it has ended. One that has not looked since the last times need not be told again. */
export function ring(identity: number): boolean {
  const place = placeOf(identity);
  if (place === undefined || send(bellName(place)) === -ECONNREFUSED) return false;
  return placeOf(identity) === place; // as above
}
