/** Signals that JavaScript listens for while its loop does not turn. */
import { constants } from 'node:os';
import { binding } from '../base/binding';
import { check } from '../base/errors';

/** By number. The order of two names of one signal changes (`listenedName`); a child goes on with its parent's. */
const namesOfSignals = new Map<number, string[]>();
for (const [name, signal] of Object.entries(constants.signals)) {
  namesOfSignals.set(signal, [...(namesOfSignals.get(signal) ?? []), name]);
}

/** None if Node has no name for it, as for the real-time signals: JavaScript cannot listen for those. */
export function namesOf(signal: number): readonly string[] {
  return namesOfSignals.get(signal) ?? [];
}

/**
 * The name under which JavaScript listens for a signal. SIGABRT and SIGIOT, SIGIO and SIGPOLL are two names of one
 * signal; Node has a libuv handle for each that is listened for, and each brings a message: so they take turns.
 */
function listenedName(process: NodeJS.Process, signal: number): string | undefined {
  const names = namesOfSignals.get(signal) ?? [];
  const name = names.find((each) => process.listenerCount(each) > 0);
  if (name !== undefined) names.push(...names.splice(names.indexOf(name), 1));
  return name;
}

/** As Node would if its loop turned (lib/internal/process/signal.js). */
export function runSignalListeners(signal: number): void {
  const process = binding.wait_real_process();
  const name = listenedName(process, signal);
  if (name !== undefined) Reflect.apply(process.emit, process, [name, name, signal]);
}

/** Calls the listeners of what has arrived, within `wait_begin` and `wait_end`; how many signals that were. */
export function runListenersOfArrived(): number {
  let count = 0;
  for (let signal = binding.wait_next_signal(); signal !== 0; signal = binding.wait_next_signal()) {
    runSignalListeners(signal);
    count++;
  }
  return count;
}

/**
 * The signals that have arrived and are listened for, which Node's loop has not had a turn to deliver yet. They are
 * taken: nobody else gets them.
 */
export function takeArrivedSignals(): number[] {
  const signals: number[] = [];
  check(binding.wait_begin(), 'sigaction');
  for (let signal = binding.wait_next_signal(); signal !== 0; signal = binding.wait_next_signal()) {
    signals.push(signal);
  }
  binding.wait_end();
  return signals;
}
