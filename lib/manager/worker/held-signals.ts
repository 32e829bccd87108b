/** The signals that end a worker are kept from the application until its requests are answered. */
import { constants } from 'node:os';
import { binding } from '../../base/binding';
import { check } from '../../base/errors';
import { registerAtFork } from '../../fork/at-fork';

/**
 * From now on `arrived` hears of them and nobody else does. The application attaches listeners, takes them away and
 * counts them as without a manager.
 */
export function holdSignals(
  signals: readonly NodeJS.Signals[],
  arrived: (signal: NodeJS.Signals) => void,
): void {
  const numbers = Int32Array.from(signals, (name) => constants.signals[name]);
  const tell = () => {
    const bits = binding.signals_take();
    for (const signal of signals) if ((bits & (1 << constants.signals[signal])) !== 0) arrived(signal);
  };
  check(binding.signals_hold(numbers, tell), 'sigaction');
  // A child that the worker forks by itself is no worker: what ends it is its own affair.
  registerAtFork({ afterInChild: () => releaseSignals(signals) });
}

/** They reach the application's listeners again, or end the process. */
export function releaseSignals(signals: readonly NodeJS.Signals[]): void {
  for (const signal of signals) binding.signals_release(constants.signals[signal]);
}
