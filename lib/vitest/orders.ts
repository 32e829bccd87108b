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
  /** From now on it is the process of one file. vitest begins in it, if it has not. */
  | { order: 'become'; poolId: string; workerId: string; begin: object | undefined }
  /** Sends a signal to a child of its own. Without an answer. */
  | { order: 'kill'; pid: number; signal: NodeJS.Signals };

/** To a process: an order, or a message for vitest in it. */
export type ToProcess = Order | { vitest: unknown };

/** What an order has come to. */
export type Answer = { value: unknown } | { failed: string };

/** From a process: first of all who it is. */
export type FromProcess =
  | { hello: number }
  | { answer: Answer }
  | { vitest: unknown }
  /** One of its children has ended, and is reaped. */
  | { ended: number };

/** A message of vitest that asks for something (birpc, `t`), or answers (`i`). */
interface Call {
  t: 'q' | 's';
  i?: string;
  m?: string;
}

export function asCall(message: unknown): Call | undefined {
  const { t } = (message ?? {}) as Partial<Call>;
  return t === 'q' || t === 's' ? (message as Call) : undefined;
}

/** vitest's own message that a worker has begun, has done its file, has ended. */
interface Response {
  type: 'started' | 'testfileFinished' | 'stopped';
  error?: unknown;
}

export function asResponse(message: unknown): Response | undefined {
  const isOne = typeof message === 'object' && message !== null && '__vitest_worker_response__' in message;
  return isOne ? (message as unknown as Response) : undefined;
}
