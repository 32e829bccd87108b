import { type ChannelListener, channel } from 'node:diagnostics_channel';
import { callable, object } from '../base/arguments';
import { onePerProcess } from '../base/one-per-process';
import { knownOptions } from '../base/option-names';

/** Functions to call around a fork: to empty a cache of random numbers, reopen a connection, note a new pid. */
export interface ForkHooks {
  /** Called in the parent before the fork. If it throws, `fork()` throws that, and nothing is forked. */
  before?: () => void;
  /** Called in the parent after the fork, also if it failed. */
  afterInParent?: () => void;
  /** Called in the child, after the library has updated its own state. */
  afterInChild?: () => void;
}

/**
 * The message on the diagnostics channel `prefork:fork`: in the parent the child's pid, in the child 0. What a subscriber
 * throws comes to light as what a hook throws does.
 */
export interface ForkMessage {
  /** The child's pid, or 0. */
  pid: number;
}

/** Of this thread. A child begins with its parent's, as with Python's os.fork. */
const registered = onePerProcess('fork hooks', () => new Set<ForkHooks>());
const forks = channel('prefork:fork');

const HOOK_NAMES = [
  'before',
  'afterInParent',
  'afterInChild',
] as const satisfies readonly (keyof ForkHooks)[];

/**
 * Registers functions to call around every later `fork()` of this thread.
 *
 * `before` functions run in reverse order of registration, the others in order, so that hooks nest (Python's
 * `os.register_at_fork`). If a `before` throws, nothing is forked: `afterInParent` runs for those that have run, and
 * `fork()` throws. If one of the others throws, the remaining hooks run, `fork()` returns, and the error is thrown in the
 * next tick, as an uncaught exception. Two parents have no next tick: that of `forkProcesses` logs the error to
 * `tornado.application`, the template of the command `prefork` as the event `hook_failed`.
 * @returns a function that removes the hooks
 * @throws TypeError `ERR_PREFORK_INVALID_ARG_TYPE`, `ERR_PREFORK_INVALID_ARG_VALUE` for a hook of another name
 */
export function registerAtFork(hooks: ForkHooks): () => void {
  const own = { ...object('hooks', hooks) };
  knownOptions('hooks', own, HOOK_NAMES);
  for (const name of HOOK_NAMES) {
    if (own[name] !== undefined) callable(`hooks.${name}`, own[name]);
  }
  registered.add(own);
  return () => {
    registered.delete(own);
  };
}

/** A function that is called after the fork: a hook, or a subscriber of the channel. */
export type CalledAfter = 'afterInParent' | 'afterInChild' | 'prefork:fork';

/** Takes what it threw, when there is no caller to throw it at. */
export type HookFailed = (error: unknown, called: CalledAfter) => void;

/** Makes it an uncaught exception, if the event loop turns again. */
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
      failed(error, name);
    }
  }
}

/** Calls the `before` functions; returns the hooks of this fork, whatever they register or remove. */
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
  const failed = pid === 0 ? throwLater : failedInParent;
  runAll(hooks, pid === 0 ? 'afterInChild' : 'afterInParent', failed);
  if (forks.hasSubscribers && pid >= 0) publish({ pid }, failed);
}

/**
 * As `Channel.publish`, but for what subscribers throw. Of that Node makes a tick, which a parent that only waits never runs,
 * and which every child that it forks later would inherit.
 */
function publish(message: ForkMessage, failed: HookFailed): void {
  const { _subscribers: subscribers } = forks as unknown as { _subscribers?: unknown };
  if (!Array.isArray(subscribers)) {
    forks.publish(message);
    return;
  }
  for (const subscriber of [...(subscribers as ChannelListener[])]) {
    try {
      subscriber(message, forks.name);
    } catch (error) {
      failed(error, 'prefork:fork');
    }
  }
}
