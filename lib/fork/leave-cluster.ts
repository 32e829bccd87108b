/** node:cluster in a child: it is nobody's worker, and has none. */
import type { Cluster } from 'node:cluster';
import { syncBuiltinESMExports } from 'node:module';
import { preforkError } from '../base/errors';
import type { Estate } from './estate';

/** Of node:cluster a worker has loaded a worker's half, which cannot start any. */
function refuse(name: string): never {
  throw preforkError(
    'ERR_PREFORK_UNSUPPORTED',
    `cluster.${name}() cannot be had in a process forked from a worker of node:cluster, because Node gives a worker no part of it that starts others: use fork(), or have the primary start them`,
  );
}

/** Calls back as soon as all workers have disconnected: it has none. */
function disconnect(callback?: () => void): void {
  if (callback !== undefined) process.nextTick(callback);
}

/**
 * The primary does not know the child, which has no channel to it: as a worker, its servers would wait in vain for the
 * primary's answer instead of listening. A primary's workers do not belong to its child, either.
 */
export function leaveCluster({ clusterWorkers, isClusterWorker }: Estate): void {
  if (clusterWorkers.length === 0 && !isClusterWorker) return;
  const cluster = require('node:cluster') as Cluster;
  for (const id of clusterWorkers) Reflect.deleteProperty(cluster.workers ?? {}, id);
  if (!isClusterWorker) return;
  Object.assign(cluster, { isWorker: false, isPrimary: true, isMaster: true, worker: undefined });
  Object.assign(cluster, { workers: {}, settings: {}, disconnect });
  for (const name of ['fork', 'setupPrimary', 'setupMaster']) {
    Object.assign(cluster, { [name]: () => refuse(name) });
  }
  syncBuiltinESMExports();
}
