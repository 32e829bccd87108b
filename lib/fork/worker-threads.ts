/** The worker threads of this one. They are on none of Node's lists; each is announced when it is made, from when this is loaded. */
import { subscribe } from 'node:diagnostics_channel';
import { isMainThread, type Worker } from 'node:worker_threads';
import { binding } from '../base/binding';
import { onePerProcess } from '../base/one-per-process';
import { isEsbuildCalling } from './esbuild';

/** Those of this thread that run. A forked child has a copy of each, and so of the list. */
const workers = onePerProcess('worker threads', () => new Set<Worker>());
/** Those in which nothing of the program's goes on. */
const helpers = onePerProcess('threads of hooks and compilers', () => new WeakSet<Worker>());

/**
 * The thread of module.register(), for tsx, dd-trace or OpenTelemetry: Node's own, which hooks what the program loads and does
 * nothing by itself.
 */
function isNodesOwn(worker: Worker): boolean {
  return worker.constructor.name === 'InternalWorker'; // lib/internal/worker.js, exported to nobody
}

subscribe('worker_threads', (message) => {
  const { worker } = message as { worker: Worker };
  workers.add(worker);
  if (isNodesOwn(worker) || isEsbuildCalling()) helpers.add(worker);
  worker.once('exit', () => workers.delete(worker));
});

export function threadsOfWorkers(): Worker[] {
  return [...workers];
}

/** Those that a program has made itself, which a child would share or run again. */
export function threadsOfTheProgram(): Worker[] {
  return threadsOfWorkers().filter((worker) => !helpers.has(worker));
}

/** Whether JavaScript runs in another thread than this one: in a worker, or, if this is one, in the main thread. */
export function hasOtherThreads(): boolean {
  return workers.size > 0 || !isMainThread;
}

/** Node's own in the loop of a main thread, and one of this package. Each worker brings at least two more: ports of messages. */
const ASYNC_HANDLES = 4;

/** When the package is loaded: whether there may be threads with JavaScript that nobody has announced to it. */
export function mayHaveOlderThreads(): boolean {
  const handles = binding.loop_active_handles().filter(({ type }) => type === 'async');
  return !isMainThread || handles.length > ASYNC_HANDLES;
}
