import { type Logger, makeLogger } from './loggers';

/** Where Tornado and this port report what they do: `fork_processes`, TLS errors, malformed requests. */
export const genLog: Logger = makeLogger('tornado.general');
/** Where errors of the application end up: exceptions out of `handleStream` and request listeners. */
export const appLog: Logger = makeLogger('tornado.application');
/** Nothing here writes to it: Tornado's own web framework does. It is there for a port of `log_request`. */
export const accessLog: Logger = makeLogger('tornado.access');
