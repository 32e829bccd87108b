export type { ResolverError, SystemError } from './errors';
export {
  HTTPServer,
  type HTTPServerOptions,
  protocol,
  remoteIp,
} from './httpserver';
export {
  accessLog,
  appLog,
  basicConfig,
  enablePrettyLogging,
  genLog,
  type Logger,
  type LogLevel,
  type LogTarget,
  setLogger,
} from './log';
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
export { cpuCount, type ForkProcessesOptions, forkProcesses, taskId } from './process';
export {
  type PeerAddress,
  type SslFiles,
  type SslOptions,
  TCPServer,
  type TCPServerOptions,
} from './tcpserver';
