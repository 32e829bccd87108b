/** What a child inherits from its parent and must not keep as it is. */
import type { ChildProcess } from 'node:child_process';
import type { Cluster } from 'node:cluster';
import { isMainThread } from 'node:worker_threads';
import { binding } from '../base/binding';
import { hasNodeLoaded } from '../base/loaded-builtins';
import { type AsyncWaits, asyncWaits } from '../wait/wait-async';
import { childProcesses } from './child-processes';
import { type Esbuild, runningEsbuilds } from './esbuild';
import { type RandomSources, randomSources } from './random';
import { hasOtherThreads } from './worker-threads';

/** The list that Node keeps but does not type. */
interface ProcessInternals extends NodeJS.Process {
  _getActiveHandles(): unknown[];
}

/**
 * What a child inherits and has to change. The parent makes the list: to look for it in the child would touch many more
 * pages, and each page that a child touches for the first time costs some microseconds.
 */
export interface Estate {
  /** First the real one, and then, in a sandbox like Jest's, the copy that this module sees. */
  processes: NodeJS.Process[];
  /** Those of them that have a channel to the process that started this one. */
  onChannel: NodeJS.Process[];
  /** The `process` of a worker thread, if it is one that forks. */
  worker: NodeJS.Process | undefined;
  /** The parent's children. */
  childProcesses: ChildProcess[];
  /** Compilers that are processes of the parent's. */
  esbuilds: Esbuild[];
  /** The ids of the parent's workers of node:cluster. */
  clusterWorkers: string[];
  isClusterWorker: boolean;
  /** Whether this thread has bound Unix sockets: their files stay the parent's. */
  ownsSocketFiles: boolean;
  asyncWaits: AsyncWaits;
  randomSources: RandomSources;
  /** What this process's inspector listens on; 0 if it does not. */
  inspectorPort: number;
}

export function inspector(): typeof import('node:inspector') | undefined {
  return process.features.inspector ? require('node:inspector') : undefined;
}

function inspectorPort(): number {
  const url = inspector()?.url();
  return url === undefined ? 0 : Number(new URL(url).port);
}

/** Undefined where nobody has loaded it. */
function clusterIfLoaded(): Cluster | undefined {
  return hasNodeLoaded('cluster') ? require('node:cluster') : undefined;
}

/** Those that keep the loop alive. */
function referencedChildProcesses(real: ProcessInternals): ChildProcess[] {
  if (!hasNodeLoaded('internal/child_process')) return [];
  const { ChildProcess } = require('node:child_process') as typeof import('node:child_process');
  return real._getActiveHandles().filter((handle): handle is ChildProcess => handle instanceof ChildProcess);
}

/** In the parent, just before the fork. */
export function takeStock(): Estate {
  const real = binding.wait_real_process() as ProcessInternals;
  const cluster = clusterIfLoaded();
  const children = [...new Set([...referencedChildProcesses(real), ...childProcesses()])];
  const processes = real === process ? [process] : [real, process];
  return {
    processes,
    onChannel: processes.filter(({ channel }) => channel !== undefined && channel !== null),
    worker: isMainThread ? undefined : real,
    childProcesses: children,
    esbuilds: runningEsbuilds(children.length > 0 || hasOtherThreads()),
    clusterWorkers: Object.keys(cluster?.workers ?? {}),
    isClusterWorker: cluster?.isWorker === true,
    ownsSocketFiles: binding.loop_owns_socket_files(),
    asyncWaits,
    randomSources: randomSources(),
    inspectorPort: inspectorPort(),
  };
}
