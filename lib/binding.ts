import { join } from 'node:path';

import load = require('node-gyp-build');

/** A pending `wait_watch`. */
export type PidWatch = { readonly prefork: 'PidWatch' };

/** Every native call. A number below zero is always `-errno`; the callers in lib/ turn it into an error. */
export interface Binding {
  /** `_exit(2)` with the low eight bits of `status`. */
  process_exit(status: number): never;
  process_getpid(): number;
  process_getppid(): number;
  /** Seconds that were left of the previous alarm. */
  process_alarm(seconds: number): number;
  /** Fills `ends` with the reading and the writing end, close-on-exec; shared with forked children. */
  process_pipe(ends: Int32Array): number;
  /** Fills `ends` with two connected Unix stream sockets, close-on-exec. */
  process_socketpair(ends: Int32Array): number;
  process_dup2(from: number, to: number, inheritable: boolean): number;
  process_setsid(): number;
  process_setpgid(pid: number, group: number): number;
  process_parent_death_signal(signal: number): number;

  /**
   * Starts listening for ended children in this thread's loop. Waits nest.
   * Between `wait_begin` and `wait_end` the signals that reach this loop have to be taken with `wait_next_signal`.
   */
  wait_begin(): number;
  /** Ends the innermost wait; with the outermost, signals meant for others go back to libuv. */
  wait_end(): void;
  /** Takes the next signal for which JavaScript has a listener; 0 if there is none. */
  wait_next_signal(): number;
  /** Sleeps until a signal arrives or a child changes, at most so many milliseconds (-1: no limit). May wake early. */
  wait_sleep(milliseconds: number): void;
  /**
   * `waitpid(2)` with WNOHANG: the pid (`status[0]` is filled), or 0 if none is ready.
   * With pid -1, children of `node:child_process` are left alone.
   */
  wait_now(pid: number, options: number, status: Int32Array): number;
  /** Tells `wait_now(-1, …)`, in all threads, of a child made by fork(). */
  wait_note_child(pid: number): number;
  /** Forgets them all: in a forked child they are siblings. */
  wait_forget_children(): void;
  /** Calls `ended` in the loop when the child has ended, and keeps the loop alive; possibly again, until `wait_unwatch`. */
  wait_watch(pid: number, ended: () => void): PidWatch | number;
  /** Once for each watch. */
  wait_unwatch(watch: PidWatch): void;
  /** The environment's own `process`, where a sandbox such as Jest's shows a copy. */
  wait_real_process(): NodeJS.Process;
}

export const binding = load(join(__dirname, '..')) as Binding;
