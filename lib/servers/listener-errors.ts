/** What becomes of a request whose listener throws, or whose promise is rejected: as with Tornado's RequestHandler. */
import type { IncomingMessage, RequestListener, ServerResponse } from 'node:http';
import { isThenable } from '../base/arguments';
import { setImmediate } from '../base/timers';
import { logAsTornado } from '../log/loggers';
import { repr } from '../log/percent';
import { appLog, genLog } from '../log/tornado-loggers';
import { protocol, remoteIp } from './proxy-headers';

/** RequestHandler._request_summary. */
function summary(request: IncomingMessage): string {
  return `${request.method} ${request.url} (${remoteIp(request)})`;
}

/** HTTPServerRequest.__repr__. */
function description(request: IncomingMessage): string {
  const fields = {
    protocol: protocol(request),
    host: request.headers.host ?? '127.0.0.1',
    method: request.method,
    uri: request.url,
    version: `HTTP/${request.httpVersion}`,
    remote_ip: remoteIp(request),
  };
  const list = Object.entries(fields).map(([name, value]) => `${name}=${repr(value)}`);
  return `HTTPServerRequest(${list.join(', ')})`;
}

/** RequestHandler.write_error. */
const PAGE = '<html><title>500: Internal Server Error</title><body>500: Internal Server Error</body></html>';

/** How Node keeps what `writeHead()` has put together. */
interface WithHead extends ServerResponse {
  _header?: string | null;
  /** Whether that has been handed to the connection. */
  _headerSent?: boolean;
  _hasBody?: boolean;
}

/** RequestHandler.clear, after writeHead(), for which Node has nothing. False: it is too late. */
function takeBackHead({ method }: IncomingMessage, response: ServerResponse): boolean {
  const head: WithHead = response;
  // The first part of the body is sent with it, in Node 26 in the next tick.
  if (head._headerSent !== false || response.writableLength > 0) return false;
  head._header = null;
  head._hasBody = method !== 'HEAD'; // a 204 has none
  response.chunkedEncoding = false;
  return !response.headersSent;
}

/**
 * Tornado ends the answer. A client could take the part that it has for the whole: here it gets what has been written, and no
 * end of it.
 */
function cutShort(response: ServerResponse): void {
  // What is written in one tick reaches the socket in the next one.
  setImmediate(() => {
    if (response.writableEnded) return;
    if (response.socket !== null) response.socket.destroySoon();
    else response.destroy(); // when it is its turn
  });
}

/** What the listener has begun goes on: a write() that comes too late is an event, which would end the process. */
function outliveLateWrites(response: ServerResponse): void {
  response.on('error', (error) =>
    logAsTornado(appLog, 'error', 'Exception in callback', 'ioloop:760', [error]),
  );
}

/** RequestHandler.send_error. */
function sendError(request: IncomingMessage, response: ServerResponse): void {
  if (response.writableEnded) return;
  if (response.headersSent && !takeBackHead(request, response)) {
    logAsTornado(genLog, 'error', 'Cannot send error response after headers written', 'web:1212');
    cutShort(response);
    return;
  }
  for (const name of response.getHeaderNames()) response.removeHeader(name);
  response.writeHead(500, 'Internal Server Error', {
    'Content-Type': 'text/html; charset=UTF-8',
    'Content-Length': Buffer.byteLength(PAGE),
  });
  response.end(PAGE);
}

/** The same listener, whose errors no longer reach the event loop, where they would end the process. */
export function surviving(listener: RequestListener): RequestListener {
  return (request, response) => {
    const fail = (error: unknown) => {
      // The connection has gone, and the listener was waiting for its body: Tornado would not have called it yet.
      if (error !== undefined && error === request.errored) return;
      const message = `Uncaught exception ${summary(request)}\n${description(request)}`;
      logAsTornado(appLog, 'error', message, 'web:1820', [error]);
      outliveLateWrites(response);
      sendError(request, response);
    };
    try {
      const result: unknown = listener(request, response);
      if (isThenable(result)) result.then(undefined, fail);
    } catch (error) {
      fail(error);
    }
  };
}
