/** Node requires this before anything else where anything else is required or imported before the command: see begun.ts. */
import { isMainThread } from 'node:worker_threads';

function begin(): void {
  const { beginBeforeOthers } = require('./begun') as typeof import('./begun');
  const { commandSources } = require('./command') as typeof import('./command');
  beginBeforeOthers('command', commandSources, {
    runCommand: (argv) => (require('./command') as typeof import('./command')).runCommand(argv),
    startAutomatically: () => (require('./preload') as typeof import('./preload')).startAutomatically(),
  });
}

// A worker thread takes over its parent's options, and requires this once more.
if (isMainThread) begin();
