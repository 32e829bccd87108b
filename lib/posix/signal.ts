import type { EventEmitter } from 'node:events';
import { constants } from 'node:os';
import { isMainThread } from 'node:worker_threads';
import { binding } from '../base/binding';
import { check, invalidType, preforkError, systemError } from '../base/errors';
import { onePerProcess } from '../base/one-per-process';
import { namesOf } from '../wait/signals';
import { signalNumber } from './signal-number';

/** `signal`: do what the kernel does by default. (Python's `signal.SIG_DFL`) */
export const SIG_DFL = 0;
/** `signal`: do nothing. Programs that are started by `execv` and so on inherit it. (Python's `signal.SIG_IGN`) */
export const SIG_IGN = 1;

/** A handler: it gets the number of the signal. */
export type SignalHandler = (signal: number) => void;
type Listener = () => void;

interface Installed {
  handler: SignalHandler;
  name: string;
  listener: Listener;
}

/** What the kernel does, as `signal_get` says it. */
const DEFAULT = 0;
const IGNORED = 1;
const HANDLED_BY_NODE = 2;

/** By the number of the signal. A forked child goes on with its parent's, as with its listeners. */
const installed = onePerProcess('signal handlers', () => new Map<number, Installed>());

/** Neither sigaction(2) nor libuv takes these. */
const UNCATCHABLE: readonly number[] = [constants.signals.SIGKILL, constants.signals.SIGSTOP];

/** As any emitter: its types know only some names. */
function realProcess(): EventEmitter {
  return binding.wait_real_process();
}

function refuseInWorkers(): void {
  if (isMainThread) return;
  throw preforkError(
    'ERR_PREFORK_UNSUPPORTED',
    'signal() only works in the main thread: no other gets signals',
  );
}

function listenerCount(signal: number): number {
  return namesOf(signal).reduce((sum, name) => sum + realProcess().listenerCount(name), 0);
}

/** The handler that is still there: `process.removeListener` may have taken it away. */
function handlerOf(signal: number): SignalHandler | null {
  const own = installed.get(signal);
  if (own === undefined) return null;
  return realProcess().listeners(own.name).includes(own.listener) ? own.handler : null;
}

/**
 * What happens when a signal comes.
 *
 * Source: Python's `signal.getsignal`.
 * @returns `SIG_DFL`, `SIG_IGN`, the function that was given to `signal`, or null if others have listeners or handlers
 *   (`process.on`, native packages, the C library)
 * @throws TypeError `ERR_PREFORK_INVALID_ARG_TYPE`, `ERR_PREFORK_INVALID_ARG_VALUE`, RangeError `ERR_PREFORK_OUT_OF_RANGE`
 */
export function getsignal(
  signal: NodeJS.Signals | number,
): SignalHandler | typeof SIG_DFL | typeof SIG_IGN | null {
  const number = signalNumber('signal', signal, 1);
  const disposition = binding.signal_get(number);
  if (disposition === -constants.errno.EINVAL) return null; // the C library keeps it for itself
  check(disposition, 'sigaction');
  if (disposition === DEFAULT) return SIG_DFL;
  if (disposition === IGNORED) return SIG_IGN;
  const handler = handlerOf(number);
  if (handler !== null) return handler;
  // Node has a handler that sets the terminal right before SIGINT and SIGTERM do the default, and libuv one for SIGCHLD.
  const isForNobody = disposition === HANDLED_BY_NODE && listenerCount(number) === 0;
  return isForNobody ? SIG_DFL : null;
}

function removeOwn(signal: number): void {
  const own = installed.get(signal);
  if (own === undefined) return;
  installed.delete(signal);
  realProcess().removeListener(own.name, own.listener);
}

function install(signal: number, handler: SignalHandler): void {
  const [name] = namesOf(signal);
  if (name === undefined) {
    throw preforkError(
      'ERR_PREFORK_UNSUPPORTED',
      `Node cannot listen for signal ${signal}, which has no name`,
    );
  }
  const listener: Listener = () => handler(signal);
  removeOwn(signal);
  realProcess().on(name, listener);
  installed.set(signal, { handler, name, listener });
  if (binding.signal_get(signal) !== IGNORED) return;
  // libuv sets its handler only when the first listener comes (src/unix/signal.c, uv__signal_start).
  removeOwn(signal);
  throw preforkError(
    'ERR_PREFORK_UNSUPPORTED',
    'SIGCHLD stays ignored while node:child_process has children',
  );
}

function setDisposition(signal: number, ignore: boolean): void {
  check(binding.signal_set(signal, ignore), 'sigaction');
  for (const name of namesOf(signal)) realProcess().removeAllListeners(name);
  installed.delete(signal);
  // Once more: the last listener that goes makes libuv set the default.
  check(binding.signal_set(signal, ignore), 'sigaction');
}

/**
 * Sets the action for a signal. `SIG_IGN` and `SIG_DFL` are the kernel's: nothing runs in this process, all listeners of the
 * signal are removed, and programs started later inherit `SIG_IGN`. A function is called like a listener of `process.on`,
 * also while `wait`, `sleep` and so on block; it replaces what an earlier call set, but no other listener.
 *
 * A forked child has the same action. Only for the main thread.
 *
 * Source: sigaction(2), Python's `signal.signal`.
 * @param signal its name or number
 * @param handler `SIG_DFL`, `SIG_IGN`, or a function that gets the number of the signal
 * @returns what `getsignal` would have said before
 * @throws SystemError `EINVAL` for SIGKILL, SIGSTOP and the C library's own signals
 * @throws Error `ERR_PREFORK_UNSUPPORTED` in a worker thread, and for a function with a signal that has no name
 * @throws TypeError `ERR_PREFORK_INVALID_ARG_TYPE`, `ERR_PREFORK_INVALID_ARG_VALUE`, RangeError `ERR_PREFORK_OUT_OF_RANGE`
 */
export function signal(
  signal: NodeJS.Signals | number,
  handler: SignalHandler | typeof SIG_DFL | typeof SIG_IGN,
): SignalHandler | typeof SIG_DFL | typeof SIG_IGN | null {
  const number = signalNumber('signal', signal, 1);
  if (handler !== SIG_DFL && handler !== SIG_IGN && typeof handler !== 'function') {
    throw invalidType('handler', 'SIG_DFL, SIG_IGN or a function', handler);
  }
  refuseInWorkers();
  if (UNCATCHABLE.includes(number)) throw systemError(-constants.errno.EINVAL, 'sigaction');
  const before = getsignal(number);
  if (typeof handler === 'function') install(number, handler);
  else setDisposition(number, handler === SIG_IGN);
  return before;
}
