/**
 * Node's queues of timers, immediates and ticks. No list of them can be had by a function, but those that fill them close over
 * them, and a debugger sees that.
 */
import { clearImmediate, clearTimeout, nextTick, setImmediate, setTimeout } from '../base/timers';
import { closureVariables } from './random/closure-variables';

/** lib/internal/timers.js: a ring through all timers of one duration, which begins and ends in the list itself. */
interface Link {
  _idleNext: Link | null;
}

/** lib/internal/linkedlist.js has rings, ImmediateList is none. */
interface Immediates {
  head: (NodeJS.Immediate & { _idleNext: NodeJS.Immediate | null }) | null;
}

/** lib/internal/fixed_queue.js */
interface Ticks {
  shift(): unknown;
}

interface Queues {
  timers: Record<string, Link>;
  immediates: Immediates;
  ticks: Ticks;
}

const NAMES = ['timerListMap', 'immediateQueue', 'queue'] as const;

function find(): Queues | undefined {
  const found = closureVariables([setTimeout, nextTick, setImmediate], NAMES);
  const [timers, immediates, ticks] = NAMES.map((name) => found.get(name));
  const isKnown =
    typeof timers === 'object' &&
    timers !== null &&
    'head' in ((immediates ?? {}) as object) &&
    typeof (ticks as Ticks | undefined)?.shift === 'function';
  return isKnown ? ({ timers, immediates, ticks } as Queues) : undefined;
}

/** Node's own, which a child has at the same place; null: they cannot be had. */
let queues: Queues | undefined | null;

/** In the parent, once: whether they are known. */
export function findQueues(): boolean {
  if (queues === undefined) {
    try {
      queues = find() ?? null;
    } catch {
      queues = null; // no inspector in this build, or another Node than we know
    }
  }
  return queues !== null;
}

function timersOf(list: Link): NodeJS.Timeout[] {
  const timers: Link[] = [];
  for (let link = list._idleNext; link !== null && link !== list; link = link._idleNext) timers.push(link);
  return timers as unknown as NodeJS.Timeout[];
}

/** lib/internal/http.js keeps the text of the header `Date` until this timer of its own is called. */
function keepsDate(timer: { _onTimeout?: unknown }): timer is { _onTimeout: () => void } {
  const { _onTimeout: called } = timer;
  return (
    typeof called === 'function' &&
    called.name === 'resetCache' &&
    /^function resetCache\(\) \{\s*utcCache = undefined;\s*\}$/.test(String(called))
  );
}

function drop(timer: NodeJS.Timeout): void {
  if (keepsDate(timer)) timer._onTimeout();
  clearTimeout(timer);
}

/** In the child: none of them is called. Each is cleared as its owner would do it, so that Node's counts are right. */
export function dropQueues(): void {
  if (queues === undefined || queues === null) return;
  for (const timer of Object.values(queues.timers).flatMap(timersOf)) drop(timer);
  while (queues.immediates.head !== null) clearImmediate(queues.immediates.head);
  while (queues.ticks.shift() !== null);
}
