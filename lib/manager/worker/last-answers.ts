/** The last answer on a connection says that it is the last: not one before it, if requests came one behind the other. */
import type { ServerResponse } from 'node:http';
import type { Connection, RequestStart } from './connections';

/** By the socket: the newest response that waits for others to be written first. */
const newest = new WeakMap<object, ServerResponse>();
/** Those that would have kept their connection, had they not been told otherwise here. */
const told = new WeakSet<ServerResponse>();

/** For every request; it costs a look at the socket. */
export function noteQueued({ response, socket }: RequestStart): void {
  if (socket._httpMessage) newest.set(socket, response);
}

export function lastSoFar({ talk, response }: Connection): ServerResponse | undefined {
  if (talk === undefined || response === undefined) return undefined;
  const queued = newest.get(talk);
  return queued === undefined || queued.writableFinished ? response : queued;
}

/** A new request on a connection that is to end: its answer is the last one now. */
export function isLastNow({ response, socket }: RequestStart): void {
  const before = newest.get(socket) ?? socket._httpMessage;
  if (before && before !== response && told.has(before) && !before.headersSent) before.shouldKeepAlive = true;
  newest.set(socket, response);
  makeLast(response);
}

export function makeLast(response: ServerResponse): void {
  if (response.headersSent || !response.shouldKeepAlive) return;
  told.add(response);
  response.shouldKeepAlive = false;
}
