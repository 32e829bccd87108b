import type { IncomingMessage } from 'node:http';
import { logAsTornado } from '../log/loggers';
import { genLog } from '../log/tornado-loggers';
import { remoteIp } from './proxy-headers';

/** As Node's parser has it; without either header a request has no body. */
function hasBody({ headers }: IncomingMessage): boolean {
  return headers['transfer-encoding'] !== undefined || Number(headers['content-length'] ?? 0) > 0;
}

/**
 * Closes the connection, without a word to the client, if the body has not come in some milliseconds after the headers
 * (HTTP1Connection._read_message).
 */
export function limitBodyTime(request: IncomingMessage, milliseconds: number): void {
  if (milliseconds === 0 || !hasBody(request)) return;
  const timer = setTimeout(() => {
    if (request.complete || request.destroyed) return;
    logAsTornado(genLog, 'info', `Timeout reading body from ${remoteIp(request)}`, 'http1connection:269');
    request.socket.destroy();
  }, milliseconds);
  request.once('close', () => clearTimeout(timer));
}
