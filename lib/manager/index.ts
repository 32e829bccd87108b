/** The process manager, as the command line and `prefork/auto` call it: `manage`, then, in its children, `begin`. */
export { begin, type Loading } from './begin';
export { manage } from './manager/manager';
export type { Newcomer } from './place';
export type { Log, LogEntry, Settings, WorkerExit, WorkerInfo } from './settings';
export { autoWorkers } from './system/auto-workers';
