/** Whether the application listens for the signals that end a worker, and so has ends of its own to tie up. */

/**
 * Packages that want to hear of the end (signal-exit, in many tools) listen for every signal, and do nothing unless they
 * are the only ones: then they end the process. `exit` reaches them, too. They count themselves, by version.
 */
function onlookers(): number {
  const emitters = [
    Reflect.get(process, '__signal_exit_emitter__'), // 3
    Reflect.get(globalThis, Symbol.for('signal-exit emitter')), // 4
  ] as ({ count?: number } | undefined)[];
  return emitters.reduce((sum, emitter) => sum + (emitter?.count ?? 0), 0);
}

export function applicationListensFor(signal: NodeJS.Signals): boolean {
  return process.listenerCount(signal) > onlookers();
}
