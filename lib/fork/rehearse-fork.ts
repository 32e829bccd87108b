/** What the child of a fork will do, done before the fork, so that no child has to compile it. */
import { type Estate, takeStock } from './estate';
import { standInSources } from './random';

/**
 * An estate with nothing in it that is really there. But V8 is to see nothing new when it sees the real one: each object
 * has the same hidden class, which an empty array has when it is a slice of the real one, and not as `[]`.
 */
function standIn(): Estate {
  const real = takeStock();
  return Object.assign(real, {
    processes: [{} as NodeJS.Process],
    onChannel: real.onChannel.slice(0, 0),
    worker: undefined,
    childProcesses: real.childProcesses.slice(0, 0),
    esbuilds: real.esbuilds.slice(0, 0),
    clusterWorkers: real.clusterWorkers.slice(0, 0),
    isClusterWorker: false,
    ownsSocketFiles: false,
    asyncWaits: new Map(),
    randomSources: standInSources(),
    inspectorPort: 0,
  } satisfies Estate);
}

/**
 * Collected by the next full collection, and by no smaller one. A child inherits both, with the compiled code that they
 * speak of.
 */
let sinceLastCollection = new WeakRef({});
let rehearsed = false;

/**
 * In the parent, before a fork: has done to a stand-in what the child will do. V8 compiles a function when it is first
 * called and learns from the first calls, which would be left to every child. Full collections drop the code of what
 * has not been called for long: then once more.
 */
export function rehearseFork(asChild: (estate: Estate) => void): void {
  if (rehearsed && sinceLastCollection.deref() !== undefined) return;
  const estate = standIn();
  const times = rehearsed ? 1 : 100;
  for (let i = 0; i < times; i++) asChild(estate);
  rehearsed = true;
  sinceLastCollection = new WeakRef({});
}
