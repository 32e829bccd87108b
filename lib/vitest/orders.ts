/** What vitest's process and the processes that are forked for it say to each other. */

/** What a process does on an order of vitest's process. */
export type Order =
  /** Forks; the child connects as `id`. Answers its pid. */
  | { order: 'fork'; id: number }
  /** Has vitest begin in here: the environment is set up. Answers vitest's own message. */
  | { order: 'begin'; message: object }
  /** Has vitest get ready for a file, without one. */
  | { order: 'prepare'; message: object }
  /** Evaluates a package. Answers why it should not have been, if there is a reason. */
  | { order: 'preload'; name: string }
  /** Has vitest run a file up to where it would import it. Answers what the file is called, or nothing. */
  | { order: 'pause'; message: object; isTrial: boolean }
  /** Says what a file has evaluated before itself, without evaluating it. */
  | { order: 'plan'; file: string; since: number }
  /** Evaluates as the file would. Answers for how many steps no file can tell. */
  | { order: 'evaluate'; steps: Step[]; fetched: Fetched[]; isTrial: boolean }
  /** From now on it is the process of one file. vitest begins in it, if it has not; a paused run goes on with the file. */
  | { order: 'become'; poolId: string; workerId: string; begin?: object | undefined; file?: File }
  /** The run of the file counts: what was held back is written. */
  | { order: 'commit' }
  /** Sends a signal to a child of its own. Without an answer. */
  | { order: 'kill'; pid: number; signal: NodeJS.Signals };

/** A module that a file has evaluated, with those that only it needs. */
export interface Step {
  id: string;
  /** About the bytes of its code. */
  weight: number;
}

/** A module as vitest has given it to one process, for another. */
export interface Fetched {
  /** How many were fetched before. */
  number: number;
  id: string;
  url: string;
  /** vitest's own; where the code is written, without it. */
  meta: object;
}

/** What is known of a file in the process that fetches modules for all. */
export interface Plan {
  steps: Step[];
  fetched: Fetched[];
  /** How many it has fetched so far. */
  modules: number;
}

/** A file that a paused run goes on with, and what vitest calls it. */
export interface File {
  id: string;
  name: string;
  /** What its process has not fetched. */
  fetched: Fetched[];
  context: { files: { filepath: string }[] };
}

/** What vitest calls the file that a paused run has stopped before. */
export type Paused = Pick<File, 'id' | 'name'> | undefined;

/** To a process: an order, or a message for vitest in it. */
export type ToProcess = Order | { vitest: unknown };

/** What an order has come to. */
export type Answer = { value: unknown } | { failed: string };

/** From a process: first of all who it is. */
export type FromProcess =
  | { hello: number }
  | { answer: Answer }
  | { vitest: unknown }
  /** One of its children has ended, and is reaped; its wait status. */
  | { ended: number; status: number };

/** A message of vitest that asks for something (birpc, `t`), or answers (`i`). */
export interface Call {
  t: 'q' | 's';
  i?: string;
  m?: string;
  a?: unknown[];
}

export function asCall(message: unknown): Call | undefined {
  const { t } = (message ?? {}) as Partial<Call>;
  return t === 'q' || t === 's' ? (message as Call) : undefined;
}

/** vitest's own message that a worker has begun, has done its file, has ended. */
export interface Response {
  type: 'started' | 'testfileFinished' | 'stopped';
  error?: unknown;
}

export function asResponse(message: unknown): Response | undefined {
  const isOne = typeof message === 'object' && message !== null && '__vitest_worker_response__' in message;
  return isOne ? (message as unknown as Response) : undefined;
}
