/** The process manager, as the command line and `prefork/auto` call it: `manage`, then, in its children, `begin`. */
export { begin, giveUpRights, type Loading } from './begin';
export { LONGEST_MESSAGE } from './channel/channel';
export type { LogEntry } from './log-events';
export { beginTrial, failTrial, type Inheritance, passTrial, takeInheritance } from './manager/inheritance';
export { manage } from './manager/manager';
export type { Newcomer } from './place';
export type { Configuration, Hooks, Log, Settings, WorkerExit, WorkerInfo } from './settings';
export { autoWorkers } from './system/auto-workers';
