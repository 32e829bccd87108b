/**
 * To look into a process without stopping it.
 * @module
 */

export {
  type Snapshot,
  type SnapshotOptions,
  type SnapshotProgress,
  snapshotInChild,
} from './diagnostics/snapshot-in-child';
