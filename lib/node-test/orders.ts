/** What the process of node:test's runner and a template say to each other. */

/** A test file, as `node` would be started with it; what comes before it is the template's own. */
export interface Entry {
  path: string;
  /** What comes after it. */
  argv: string[];
  /** Variables that not all files have alike. */
  env: Record<string, string>;
}

/** What a template does on an order. */
export type Order =
  /** Answers why files cannot be forked from it as it is, if there is a reason. */
  | { order: 'begin' }
  /** Evaluates a module. Answers why it should not have been, if there is a reason. */
  | { order: 'preload'; name: string }
  /** Forks; the child runs the file. Its standard streams have come as descriptors by then. Answers the child's pid. */
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
/** The variable that says which of several files that run at a time this is. */
export const WORKER_ID = 'NODE_TEST_WORKER_ID';
