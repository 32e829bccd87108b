/** The attendant: calls the hooks that watch workers, beside them, in a process with an ordinary event loop. */
import { Socket } from 'node:net';
import { createInterface } from 'node:readline';
import type { Hooks, Log, WorkerExit, WorkerInfo } from '../settings';

/** A line from the manager. */
type Event =
  | { hook: 'workerReady'; worker: WorkerInfo }
  | { hook: 'workerExit'; worker: WorkerInfo; exit: WorkerExit }
  | { hook: 'reloaded'; generation: number };

/** Calls each hook when the one before has come to its end, and ends this process when the manager has nothing more to tell. */
export async function attend(
  line: number,
  hooks: Hooks,
  log: Log,
  stopServing: () => Promise<void>,
): Promise<never> {
  const lines = createInterface(new Socket({ fd: line, readable: true, writable: false }));
  for await (const text of lines) await call(JSON.parse(text) as Event, hooks, log);
  await stopServing();
  process.exit(0);
}

async function call(event: Event, hooks: Hooks, log: Log): Promise<void> {
  try {
    if (event.hook === 'workerReady') await hooks.workerReady?.(event.worker);
    else if (event.hook === 'workerExit') await hooks.workerExit?.(event.worker, event.exit);
    else await hooks.reloaded?.({ generation: event.generation });
  } catch (error) {
    log({
      level: 'error',
      event: 'hook_failed',
      message: `The hook ${event.hook} threw: ${error instanceof Error ? error.stack : error}`,
    });
  }
}
