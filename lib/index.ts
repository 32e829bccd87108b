/**
 * Everything in one: the modules below it, and what a fork of this process would do.
 * @module
 */

export type { ResolverError, SystemError } from './base/errors';
export type { ActiveKind, ActiveThing } from './fork/active';
export { type ForkHooks, type ForkMessage, registerAtFork } from './fork/at-fork';
export {
  type DescribedDescriptor,
  type DescribedThread,
  type DescriptorFate,
  describeFork,
  type ForkDescription,
  formatForkDescription,
  type SharedMapping,
} from './fork/describe';
export { type ForkOptions, fork } from './fork/fork';
export { type ForkSyncOptions, type ForkSyncResult, forkSync } from './fork/fork-sync';
export { type ForkWhenIdleOptions, forkWhenIdle } from './fork/fork-when-idle';
export {
  HTTPServer,
  type HTTPServerOptions,
  protocol,
  remoteIp,
} from './httpserver';
export {
  accessLog,
  appLog,
  type BasicConfigOptions,
  basicConfig,
  enablePrettyLogging,
  genLog,
  type LogFunctions,
  type Logger,
  type LogLevel,
  type LogRecord,
  type LogStream,
  type LogTarget,
  setLogger,
} from './log';
export { type Config, defineConfig } from './manager/config';
export { scoreboard, type WorkerStatus } from './manager/scoreboard';
export type { Hooks, LogFormat, WorkerExit, WorkerInfo } from './manager/settings';
export { broadcast, type LostEvent, type WorkersChannel } from './manager/worker/broadcast';
export { once } from './manager/worker/once';
export { ready, worker } from './manager/worker/worker';
export {
  type AcceptCallback,
  AF_INET,
  AF_INET6,
  AF_UNIX,
  AF_UNSPEC,
  AI_ADDRCONFIG,
  AI_ALL,
  AI_CANONNAME,
  AI_NUMERICHOST,
  AI_NUMERICSERV,
  AI_PASSIVE,
  AI_V4MAPPED,
  addAcceptHandler,
  addSockets,
  type BindSocketsOptions,
  type BindUnixSocketOptions,
  bindSockets,
  bindUnixSocket,
  isValidIp,
  ListeningSocket,
} from './netutil';
export {
  _exit,
  alarm,
  CLD_CONTINUED,
  CLD_DUMPED,
  CLD_EXITED,
  CLD_KILLED,
  CLD_STOPPED,
  CLD_TRAPPED,
  type Descriptor,
  dup2,
  type Environment,
  execv,
  execve,
  execvp,
  execvpe,
  flock,
  getpgid,
  getpid,
  getppid,
  getsid,
  getsignal,
  kill,
  killpg,
  LOCK_EX,
  LOCK_NB,
  LOCK_SH,
  LOCK_UN,
  MSG_CTRUNC,
  MSG_DONTWAIT,
  nice,
  P_ALL,
  P_PGID,
  P_PID,
  P_PIDFD,
  pause,
  pipe,
  type ResourceUsage,
  recvFds,
  SIG_DFL,
  SIG_IGN,
  type SignalHandler,
  schedGetaffinity,
  schedSetaffinity,
  sendFds,
  setParentDeathSignal,
  setpgid,
  setsid,
  signal,
  sleep,
  socketpair,
  type WaitidResult,
  WCONTINUED,
  WCOREDUMP,
  WEXITED,
  WEXITSTATUS,
  WIFCONTINUED,
  WIFEXITED,
  WIFSIGNALED,
  WIFSTOPPED,
  WNOHANG,
  WNOWAIT,
  WSTOPPED,
  WSTOPSIG,
  WTERMSIG,
  WUNTRACED,
  wait,
  wait3,
  wait4,
  waitid,
  waitpid,
  waitpidAsync,
  waitstatusToExitcode,
} from './os';
export {
  CalledProcessError,
  cpuCount,
  DEVNULL,
  type ForkProcessesOptions,
  forkProcesses,
  PIPE,
  STDOUT,
  Subprocess,
  type SubprocessOptions,
  type SubprocessStream,
  taskId,
} from './process';
export { type SharedCounter, sharedCounters } from './shared/counters';
export {
  type PeerAddress,
  type SslFiles,
  type SslOptions,
  TCPServer,
  type TCPServerOptions,
} from './tcpserver';
export { type GatheredHeap, gatherHeap } from './warmup/gather-heap';
export { type Rehearsal, type RehearseOptions, rehearse } from './warmup/rehearse-requests';
export { type WarmupOptions, warmup } from './warmup/warmup';
