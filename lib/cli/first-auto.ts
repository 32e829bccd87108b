/** The same as first.ts for `prefork/auto`, which has no command line of its own. */
import { isMainThread } from 'node:worker_threads';

function begin(): void {
  const { beginBeforeOthers } = require('./begun') as typeof import('./begun');
  const { startAutomatically, environmentSources } = require('./preload') as typeof import('./preload');
  beginBeforeOthers('auto', environmentSources, {
    runCommand: (argv) => (require('./command') as typeof import('./command')).runCommand(argv),
    startAutomatically,
  });
}

if (isMainThread) begin();
