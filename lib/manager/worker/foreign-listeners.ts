/** Who else listens for the signals that end a worker, and so has ends of its own to tie up before that. */

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

/** The application itself listens for it, besides the manager. */
export function applicationListensFor(signal: NodeJS.Signals): boolean {
  const others = process.listenerCount(signal) - 1;
  return others > 0 && others > onlookers();
}

/**
 * Applications that have tidied up take their listeners away and send the signal to themselves once more, to end as
 * anybody would (Nest's shutdown hooks). So the manager's listener must be gone by then, too: it is `letGo`.
 */
export function noticeSelfKill(letGo: (signal: NodeJS.Signals) => void): void {
  const { kill } = process;
  process.kill = (pid, signal = 'SIGTERM') => {
    const isEnd = signal === 'SIGTERM' || signal === 'SIGINT';
    if (isEnd && pid === process.pid && !applicationListensFor(signal)) letGo(signal);
    return kill.call(process, pid, signal);
  };
}
