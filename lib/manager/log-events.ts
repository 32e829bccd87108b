/** The events of the log: `event` in each line of `--log-format json`. The names are permanent. */

type Level = 'info' | 'warning' | 'error';
type Field = 'worker' | 'pid';

interface Description {
  level: Level | readonly Level[];
  /** Fields of every such line, beside `level`, `event` and `message`. */
  has?: readonly Field[];
  /** Fields of some. */
  mayHave?: readonly Field[];
  /** When it is logged. */
  when: string;
}

/** Each event. The compiler holds every line of the log to it, and a test docs/command-line.md. */
export const LOG_EVENTS = {
  address_awaited: {
    level: 'info',
    has: ['worker', 'pid'],
    when: 'a worker is ready, but does not listen yet wherever the one that it replaces does',
  },
  address_given_up: {
    level: 'warning',
    has: ['worker', 'pid'],
    when: 'it has not listened there within the boot timeout, and replaces the other one without',
  },
  application_was_busy: {
    level: 'error',
    when: 'requests of the application never ended, so it could not be forked; the manager ends',
  },
  attendant_ended: {
    level: 'warning',
    has: ['pid'],
    when: 'the process that calls hooks and serves the status ended unasked; or a replaced one did not',
  },
  boot_failed: {
    level: 'error',
    when: 'no worker became ready after the start; the manager ends',
  },
  connections_closed: {
    level: 'info',
    has: ['worker', 'pid'],
    when: 'WebSockets, event streams and the like were still open when a worker had to end, and are closed',
  },
  connections_were_open: {
    level: 'error',
    when: 'the application held what workers cannot share; the manager ends',
  },
  crash_loop_entered: {
    level: 'error',
    when: 'workers crash again and again; restarts are delayed from now on',
  },
  crash_loop_left: {
    level: 'info',
    when: 'workers stay up again; restarts are no longer delayed',
  },
  fork_failed: {
    level: 'error',
    mayHave: ['worker'],
    when: 'no process could be forked for a worker, a template, an attendant or the configuration',
  },
  hook_failed: {
    level: 'error',
    mayHave: ['worker', 'pid'],
    when: 'a hook or subscriber threw; after `beforeFork` the template ends, after `afterFork` the worker',
  },
  inspector_failed: {
    level: 'warning',
    has: ['worker', 'pid'],
    when: 'the inspector of a worker could not be opened',
  },
  kill_failed: {
    level: 'error',
    has: ['pid'],
    when: 'a signal could not be sent to a worker',
  },
  lines_unlabelled: {
    level: 'warning',
    has: ['worker', 'pid'],
    when: 'the lines that a worker writes cannot say in this Node which one wrote them (`--log-worker`)',
  },
  lines_unwritten: {
    level: 'warning',
    when: 'logged lines were still being written at the fork; each worker may write them once more',
  },
  listen_failed: {
    level: 'error',
    when: 'an address could not be bound; before the first fork the manager ends',
  },
  listened_late: {
    level: 'warning',
    has: ['worker', 'pid'],
    when: 'the application listens on an address that the manager cannot bind for all workers',
  },
  listening_ended: {
    level: 'info',
    when: 'an address that the application no longer names is closed',
  },
  listening_started: {
    level: 'info',
    has: ['pid'],
    when: 'addresses are bound',
  },
  log_lines_lost: {
    level: 'warning',
    when: 'nobody read the log for a while; as many of its lines as the message says were dropped',
  },
  log_reopen_failed: {
    level: 'warning',
    mayHave: ['worker', 'pid'],
    when: 'a log file could not be reopened; the process keeps writing to the old one',
  },
  logs_reopened: {
    level: 'info',
    when: 'log files are reopened (SIGUSR1)',
  },
  manager_failed: {
    level: 'error',
    when: 'internal error; the manager ends, and its workers with it',
  },
  pid_file_failed: {
    level: 'error',
    when: 'the pid file could not be written; the manager ends',
  },
  preload_given_up: {
    level: 'warning',
    when: 'the application held what workers cannot share: each worker loads it from now on',
  },
  protocol_violated: {
    level: 'error',
    has: ['pid'],
    when: 'a template or worker said what it must not say, and is killed',
  },
  rehearsal_failed: {
    level: 'error',
    when: 'a rehearsal failed; the manager ends',
  },
  rehearsed: {
    level: ['info', 'warning'],
    has: ['pid'],
    when: 'a server answered requests before the first fork; a warning if any status was 400 or above',
  },
  replaced_all: {
    level: 'info',
    when: 'every worker has been replaced',
  },
  replacement_refused: {
    level: 'error',
    when: 'a new version of the application did not get ready; the old one serves on',
  },
  replacement_started: {
    level: 'info',
    when: 'the application is loaded anew and workers are replaced one by one (SIGHUP)',
  },
  restart_limit_reached: {
    level: 'error',
    when: 'workers crashed more often than allowed; the manager ends',
  },
  runs_alone: {
    level: 'warning',
    when: 'prefork has no addon here, and runs the application in its own process',
  },
  shutdown_finished: {
    level: 'info',
    when: 'all workers have ended; the manager ends',
  },
  shutdown_forced: {
    level: 'info',
    when: 'workers are killed without waiting for their requests',
  },
  shutdown_started: {
    level: 'info',
    when: 'workers are told to finish and end',
  },
  stack_reported: {
    level: 'error',
    has: ['worker', 'pid'],
    when: 'where the JavaScript of a hung worker is blocked',
  },
  start_failed: {
    level: 'error',
    when: 'the application ended, or could not be started, before it listened',
  },
  sticky_without_effect: {
    level: 'warning',
    when: 'an address has one queue for all workers, so that clients do not stay with one (`--sticky`)',
  },
  succession_finished: {
    level: 'info',
    has: ['pid'],
    when: 'another program has taken the manager over, and loads the application anew',
  },
  succession_refused: {
    level: 'error',
    when: 'no other program could take the manager over; it goes on (SIGUSR2)',
  },
  succession_started: {
    level: 'info',
    when: 'a child tries whether another program can take the manager over (SIGUSR2)',
  },
  template_lost: {
    level: 'error',
    when: 'the process from which workers are forked ended unasked; the application is loaded anew',
  },
  terminal_closed: {
    level: 'info',
    when: 'the terminal of the manager was closed; it ends as after SIGTERM',
  },
  worker_added: {
    level: 'info',
    when: 'one worker more (SIGTTIN)',
  },
  worker_boot_timed_out: {
    level: 'error',
    has: ['worker', 'pid'],
    when: 'a worker was not ready in time, and is killed',
  },
  worker_crashed: {
    level: 'error',
    has: ['worker', 'pid'],
    when: 'a worker ended unasked',
  },
  worker_hung: {
    level: 'error',
    has: ['worker', 'pid'],
    when: 'the event loop of a worker is blocked; it is killed',
  },
  worker_killed: {
    level: 'warning',
    has: ['worker', 'pid'],
    when: 'a worker was killed from outside',
  },
  worker_recycled: {
    level: 'info',
    has: ['worker', 'pid'],
    when: 'a worker has served enough or grown too large, and is replaced',
  },
  worker_removed: {
    level: ['info', 'warning'],
    when: 'one worker fewer (SIGTTOU); a warning if it is the last one, which stays',
  },
  worker_start_failed: {
    level: 'error',
    mayHave: ['worker', 'pid'],
    when: 'a worker could not begin after its fork, and ends',
  },
  worker_started: {
    level: 'info',
    has: ['worker', 'pid'],
    when: 'a worker was forked; not in a crash loop',
  },
  worker_stop_timed_out: {
    level: 'warning',
    has: ['worker', 'pid'],
    when: 'a worker did not end in time, and is killed',
  },
  workers_ready: {
    level: 'info',
    when: 'as many workers are ready as are wanted',
  },
} as const satisfies Record<string, Description>;

type Events = typeof LOG_EVENTS;
export type LogEvent = keyof Events;

type Each<T> = T extends readonly (infer Item)[] ? Item : T;
export type LevelOf<E extends LogEvent> = Each<Events[E]['level']>;
type HasOf<E extends LogEvent> = Events[E] extends { has: readonly (infer F extends Field)[] } ? F : never;
type MayHaveOf<E extends LogEvent> = Events[E] extends { mayHave: readonly (infer F extends Field)[] }
  ? F
  : never;
export type FieldsOf<E extends LogEvent> = { [F in HasOf<E>]: number } & { [F in MayHaveOf<E>]?: number };

/** Events whose lines have these fields. */
export type EventWith<F extends Field> = {
  [E in LogEvent]: [F] extends [HasOf<E>] ? ([HasOf<E>] extends [F] ? E : never) : never;
}[LogEvent];

/** Events whose lines may be without any. */
export type PlainEvent = { [E in LogEvent]: [HasOf<E>] extends [never] ? E : never }[LogEvent];

/** One thing that an operator should know. `message` is complete for people; the rest is for machines. */
export type LogEntry = {
  [E in LogEvent]: { level: LevelOf<E>; event: E; message: string } & FieldsOf<E>;
}[LogEvent];
