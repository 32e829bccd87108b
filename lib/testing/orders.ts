/** What a runner's process and a template of test files say to each other. `Step` and `Entry` are the runner's own. */

/** What a template does on an order. */
export type Order<Step, Entry> =
  /** Gets further ready. Answers a reason against forking files from it now, if there is one. */
  | { order: 'step'; step: Step }
  /** Forks; the child runs the file. Its descriptors have come by then. Answers the child's pid. */
  | { order: 'run'; entry: Entry }
  /** Sends a signal to a child of its own. Without an answer. */
  | { order: 'kill'; pid: number; signal: number };

/** What an order has come to. */
export type Answer = { value: unknown } | { failed: string };

/** From a template. */
export type FromTemplate =
  | { answer: Answer }
  /** One of its children has ended, with this wait status, and is reaped. */
  | { ended: number; status: number };

/** The end of a process, as node:child_process hears of it: the signal's name is empty if it exited. */
export interface Ended {
  status: number;
  signal: string;
}

/** Descriptors in a template: the way for orders, and that for descriptors. */
export const ORDERS = 3;
export const DESCRIPTORS = 4;
/** How many descriptors come with one order at most. */
export const MOST_DESCRIPTORS = 3;
