/** What becomes of a request whose listener throws, or whose promise is rejected: as with Tornado's RequestHandler. */
import type { IncomingMessage, RequestListener, ServerResponse } from 'node:http';
import { isThenable } from '../base/arguments';
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

/** RequestHandler.send_error. */
function sendError(response: ServerResponse): void {
  if (response.writableEnded) return;
  if (response.headersSent) {
    logAsTornado(genLog, 'error', 'Cannot send error response after headers written', 'web:1212');
    // Tornado ends the answer here. A client could take the part that it has for the whole.
    response.destroy();
    return;
  }
  for (const name of response.getHeaderNames()) response.removeHeader(name);
  response.writeHead(500, {
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
      sendError(response);
    };
    try {
      const result: unknown = listener(request, response);
      if (isThenable(result)) result.then(undefined, fail);
    } catch (error) {
      fail(error);
    }
  };
}
