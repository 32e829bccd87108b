/**
 * The few steps in which a process changes what others see, one process at a time: `words[0]` is who is in there.
 *
 * Invariant: a process may be killed between any two steps. So each change takes effect by one store of one word, and whoever
 * is to look afterwards is told before it: if the change then does not happen there was a ring too many, and never one too few.
 * One that dies in there is noticed by the next, which takes its place.
 *
 * Nothing in there waits, forks, or calls code of the program's.
 */
import { isAlive, self } from './members';

const HOLDER = 0;
/** Other processes are in there for microseconds: that is not worth a sleep at first. */
const SPINS = 200;
const LONGEST_PAUSE = 1; // ms

const never = new Int32Array(new SharedArrayBuffer(Int32Array.BYTES_PER_ELEMENT));

function enter(words: Int32Array, own: number): void {
  for (let tries = 0; ; tries++) {
    const holder = Atomics.compareExchange(words, HOLDER, 0, own);
    if (holder === 0) return;
    if (tries < SPINS) continue;
    if (!isAlive(holder) && Atomics.compareExchange(words, HOLDER, holder, own) === holder) return;
    Atomics.wait(never, 0, 0, Math.min(LONGEST_PAUSE, (tries - SPINS + 1) / 20));
  }
}

/** Calls `work` while no other process is in the section of these words. */
export function inside<T>(words: Int32Array, work: (own: number) => T): T {
  const own = self().identity;
  enter(words, own);
  try {
    return work(own);
  } finally {
    Atomics.store(words, HOLDER, 0);
  }
}
