/**
 * Timers and the clock as they were when this package was loaded. An application may put others in their place (the fake
 * timers of test libraries), and a worker has to beat and to end all the same.
 */
export const {
  setTimeout,
  setInterval,
  setImmediate,
  clearTimeout,
  clearInterval,
  clearImmediate,
  queueMicrotask,
} = globalThis;

const { hrtime, nextTick } = process;

export { nextTick };

/** The kernel's monotonic clock, which is the same for all processes, in milliseconds. */
export function monotonic(): number {
  const [seconds, nanoseconds] = hrtime();
  return seconds * 1000 + nanoseconds / 1e6;
}

/** When this program was started, as `monotonic()` has it: process.uptime() of a child counts from its fork. */
const startedAt = monotonic() - process.uptime() * 1000;

/** How long this program runs, with the time before it was forked, in milliseconds. */
export function runsFor(): number {
  return monotonic() - startedAt;
}

/** As those of node:timers/promises. */
export function delay(milliseconds: number): Promise<void> {
  return new Promise((resolve) => {
    setTimeout(resolve, milliseconds);
  });
}

export function nextTurn(): Promise<void> {
  return new Promise((resolve) => {
    setImmediate(resolve);
  });
}
