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

const registered = new Set<ForkHooks>();
const forks = channel('prefork:fork');

/**
 * Registers functions to call around every later `fork()` of this thread.
 *
 * The `before` functions are called in reverse order of registration, the others in order, so that hooks nest
 * (Python's `os.register_at_fork`). If a `before` throws, nothing is forked: those that have run get their
 * `afterInParent`, and `fork()` throws. An error of the other two does not keep the remaining hooks from running, nor
 * `fork()` from returning: it is thrown in the next tick, as an uncaught exception. The parent of `forkProcesses` has no
 * next tick, and logs it to `tornado.application`.
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

function throwLater(error: unknown): void {
  process.nextTick(() => {
    throw error;
  });
}

let tellInParent = throwLater;

/** For a parent that never returns to its loop: there is no next tick in which to throw. `null`: throw again. */
export function tellHookErrorsTo(tell: ((error: unknown) => void) | null): void {
  tellInParent = tell ?? throwLater;
}

function runAll(hooks: Iterable<ForkHooks>, name: 'afterInParent' | 'afterInChild'): void {
  const tell = name === 'afterInParent' ? tellInParent : throwLater;
  for (const hook of hooks) {
    try {
      hook[name]?.();
    } catch (error) {
      tell(error);
    }
  }
}

/** Calls the `before` functions; answers the hooks that the fork is bound to, whatever they register or remove. */
export function runBefore(): ForkHooks[] {
  const hooks = [...registered];
  for (let i = hooks.length - 1; i >= 0; i--) {
    try {
      hooks[i]?.before?.();
    } catch (error) {
      runAll(hooks.slice(i + 1), 'afterInParent');
      throw error;
    }
  }
  return hooks;
}

export function runAfter(hooks: ForkHooks[], pid: number): void {
  runAll(hooks, pid === 0 ? 'afterInChild' : 'afterInParent');
  if (forks.hasSubscribers && pid >= 0) forks.publish({ pid } satisfies ForkMessage);
}
