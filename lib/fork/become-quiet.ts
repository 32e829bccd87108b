/**
 * What JavaScript state the child of a quiet fork must change, besides what every child changes: whoever would be called by
 * Node is the parent's, and is gone. The event loop itself is quiet by then (native/loop/quiet_loop.h).
 */
import { becomeChild } from './become-child';
import type { Estate } from './estate';
import { noteNewPool } from './pool-hold';
import { forgetParentsConnections } from './pooled-connections';
import { dropQueues } from './quiet-queues';
import { leaveChannel } from './resolver';

/** Node's own: it starts and stops listening for signals in these, and prints warnings. */
const KEPT: readonly unknown[] = ['newListener', 'removeListener', 'warning'];

function removeListeners({ processes }: Estate): void {
  for (const object of processes) {
    for (const name of object.eventNames()) {
      if (!KEPT.includes(name)) object.removeAllListeners(name);
    }
    if (object.hasUncaughtExceptionCaptureCallback?.() === true)
      object.setUncaughtExceptionCaptureCallback(null);
  }
}

/** The inspector's thread may be left behind: nobody waits for it, and its sockets are dead. */
function withoutInspector(estate: Estate): Estate {
  return { ...estate, inspectorPort: 0 };
}

export function becomeQuiet(estate: Estate): void {
  noteNewPool();
  dropQueues();
  removeListeners(estate);
  becomeChild(withoutInspector(estate), {});
  forgetParentsConnections();
  leaveChannel();
}
