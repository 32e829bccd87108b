/** The events of the log: `event` in each line of `--log-format json`. The names are permanent. */

/** Each event, and when it is logged. docs/command-line.md adds the levels and fields. */
export const LOG_EVENTS = {
  application_was_busy:
    'requests of the application never ended, so it could not be forked; the manager ends',
  boot_failed: 'no worker became ready after the start; the manager ends',
  connections_closed:
    'WebSockets, event streams and the like were still open when a worker had to end, and are closed',
  connections_were_open: 'the application held connections that workers cannot share; the manager ends',
  crash_loop_entered: 'workers crash again and again; restarts are delayed from now on',
  crash_loop_left: 'workers stay up again; restarts are no longer delayed',
  fork_failed: 'a worker could not be forked',
  hook_failed: 'a hook threw; after `beforeFork` the template ends, after `afterFork` the worker',
  inspector_failed: 'the inspector of a worker could not be opened',
  kill_failed: 'a signal could not be sent to a worker',
  listen_failed: 'an address could not be bound; before the first fork the manager ends',
  listened_late: 'the application listens on an address that the manager cannot bind for all workers',
  listening_ended: 'an address that the application no longer names is closed',
  listening_started: 'addresses are bound',
  log_lines_lost: 'nobody read the log for a while; as many of its lines as the message says were dropped',
  log_reopen_failed: 'a log file could not be reopened; the process keeps writing to the old one',
  logs_reopened: 'log files are reopened (SIGUSR1)',
  manager_failed: 'internal error; the manager ends, and its workers with it',
  pid_file_failed: 'the pid file could not be written; the manager ends',
  preload_given_up:
    'the application held connections that workers cannot share: each worker loads it from now on',
  protocol_violated: 'a template or worker said what it must not say, and is killed',
  rehearsal_failed: 'a rehearsal failed; the manager ends',
  rehearsed: 'a server answered requests before the first fork; a warning if any status was 400 or above',
  replaced_all: 'every worker has been replaced',
  replacement_refused: 'a new version of the application did not get ready; the old one serves on',
  replacement_started: 'the application is loaded anew and workers are replaced one by one (SIGHUP)',
  restart_limit_reached: 'workers crashed more often than allowed; the manager ends',
  shutdown_finished: 'all workers have ended; the manager ends',
  shutdown_forced: 'workers are killed without waiting for their requests',
  shutdown_started: 'workers are told to finish and end',
  stack_reported: 'where the JavaScript of a hung worker is blocked',
  start_failed: 'the application ended, or could not be started, before it listened',
  template_lost: 'the process from which workers are forked ended unasked; the application is loaded anew',
  terminal_closed: 'the terminal of the manager was closed; it ends as after SIGTERM',
  worker_added: 'one worker more (SIGTTIN)',
  worker_boot_timed_out: 'a worker was not ready in time, and is killed',
  worker_crashed: 'a worker ended unasked',
  worker_hung: 'the event loop of a worker is blocked; it is killed',
  worker_killed: 'a worker was killed from outside',
  worker_recycled: 'a worker has served enough or grown too large, and is replaced',
  worker_removed: 'one worker fewer (SIGTTOU); a warning if it is the last one, which stays',
  worker_start_failed: 'a worker could not begin after its fork, and ends',
  worker_stop_timed_out: 'a worker did not end in time, and is killed',
  workers_ready: 'as many workers are ready as are wanted',
} as const;

export type LogEvent = keyof typeof LOG_EVENTS;
