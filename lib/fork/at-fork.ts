import { channel } from 'node:diagnostics_channel';
import { callable, object } from '../base/arguments';

/** What a module does around a fork: give up a cache of random numbers, reopen a connection, note a new pid. */
export interface ForkHooks {
  /** Just before the fork. What it throws cancels the fork and comes out of `fork()`. */
  before?: () => void;
  /** In the parent, after the fork or after it failed. */
  afterInParent?: () => void;
  /** In the child, when the library has put its own state right. */
  afterInChild?: () => void;
}

/** The message on the diagnostics channel `prefork:fork`: in the parent the child's pid, in the child 0. */
export interface ForkMessage {
  /** The child's pid, or 0. */
  pid: number;
}

/** Of this thread. A child begins with its parent's, as a child of Python's os.fork does. */
const registered = new Set<ForkHooks>();
const forks = channel('prefork:fork');

/**
 * Registers functions to call around every later `fork()` of this thread.
 *
 * The `before` functions are called in reverse order of registration, the others in order, so that hooks nest
 * (Python's `os.register_at_fork`). If a `before` throws, nothing is forked: those that have run get their
 * `afterInParent`, and `fork()` throws. An error of the other two does not keep the remaining hooks from running, nor
 * `fork()` from returning: it is thrown in the next tick, as an uncaught exception. Two parents have no next tick: that of
 * `forkProcesses` logs it to `tornado.application`, and that of the command `prefork` as the event `hook_failed`.
 * @returns takes the hooks away again
 * @throws TypeError `ERR_PREFORK_INVALID_ARG_TYPE`
 */
export function registerAtFork(hooks: ForkHooks): () => void {
  const own = { ...object('hooks', hooks) };
  for (const name of ['before', 'afterInParent', 'afterInChild'] as const) {
    if (own[name] !== undefined) callable(`hooks.${name}`, own[name]);
  }
  registered.add(own);
  return () => {
    registered.delete(own);
  };
}

/** What becomes of an error of a hook when the fork is done, and there is nobody to throw it at. */
export type HookFailed = (error: unknown) => void;

/** An uncaught exception: for a process whose event loop turns again. */
export function throwLater(error: unknown): void {
  process.nextTick(() => {
    throw error;
  });
}

function runAll(
  hooks: Iterable<ForkHooks>,
  name: 'afterInParent' | 'afterInChild',
  failed: HookFailed,
): void {
  for (const hook of hooks) {
    try {
      hook[name]?.();
    } catch (error) {
      failed(error);
    }
  }
}

/** Calls the `before` functions; answers the hooks that the fork is bound to, whatever they register or remove. */
export function runBefore(failedInParent: HookFailed): ForkHooks[] {
  const hooks = [...registered];
  for (let i = hooks.length - 1; i >= 0; i--) {
    try {
      hooks[i]?.before?.();
    } catch (error) {
      runAll(hooks.slice(i + 1), 'afterInParent', failedInParent);
      throw error;
    }
  }
  return hooks;
}

export function runAfter(hooks: ForkHooks[], pid: number, failedInParent: HookFailed): void {
  if (pid === 0) runAll(hooks, 'afterInChild', throwLater);
  else runAll(hooks, 'afterInParent', failedInParent);
  if (forks.hasSubscribers && pid >= 0) forks.publish({ pid } satisfies ForkMessage);
}
