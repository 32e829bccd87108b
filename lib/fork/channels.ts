/** Diagnostics channels of this package that only this package subscribes to. */

/** A call of forkProcesses() is about to fork. Errors of a subscriber come too late to keep it from that. */
export const FORK_PROCESSES = 'prefork:forkProcesses';
