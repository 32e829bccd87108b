/** The children of node:child_process: also those that the program has unref()ed, which are on none of Node's lists. */
import type { ChildProcess } from 'node:child_process';
import { subscribe } from 'node:diagnostics_channel';
import { onePerProcess } from '../base/one-per-process';

/** In a forked child those of the parent lose their handles (become-child.ts), and are dropped at the next look. */
const known = onePerProcess('child processes', () => new Set<WeakRef<ChildProcess>>());

/** libuv still has its process, which has not ended, or not been reaped yet. */
function isRunning(child: ChildProcess | undefined): child is ChildProcess {
  return child !== undefined && (child as { _handle?: unknown })._handle != null;
}

/** Those of this thread that were made since the package was loaded. */
export function childProcesses(): ChildProcess[] {
  const running: ChildProcess[] = [];
  for (const reference of known) {
    const child = reference.deref();
    if (isRunning(child)) running.push(child);
    else known.delete(reference);
  }
  return running;
}

const MANY = 64;
let nextPruning = MANY;

// It has its handle by then, and loses it when it ends, or cannot be spawned.
subscribe('child_process', (message) => {
  if (known.size >= nextPruning) nextPruning = Math.max(MANY, 2 * childProcesses().length);
  known.add(new WeakRef((message as { process: ChildProcess }).process));
});
