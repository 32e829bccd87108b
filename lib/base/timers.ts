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
