/**
 * When a server closes, Node ends the connections that it takes for idle. Two kinds of them are not: those on which an answer
 * has been handed over and is not all out, and since Node 26 those on which a client that has just connected has not asked yet.
 */
import type { Server as HttpServer, ServerResponse } from 'node:http';
import { setTimeout } from '../../base/timers';
import type { Connection } from './connections';

/**
 * How long a connection without a request is left open at the end, in milliseconds: what a client has sent already may still
 * be on its way.
 */
export const LINGER = 1000;

/** From now on it spares them, whoever has it close its idle connections. Those that still ask nothing are closed soon after. */
export function spareUnanswered(server: HttpServer, all: () => Iterable<Connection>): void {
  const { closeIdleConnections } = server;
  const value = () => {
    const busy = [...all()].filter((connection) => connection.isFresh || connection.response?.finished);
    for (const connection of spare(busy, () => closeIdleConnections.call(server))) closeIfFresh(connection);
  };
  Object.defineProperty(server, 'closeIdleConnections', { value, configurable: true, writable: true });
}

/**
 * Answers which of them would have been closed. Node leaves a connection alone if the response on it is not finished, and
 * looks at nothing else of it (closeIdleConnections in lib/_http_server.js).
 */
function spare(busy: readonly Connection[], close: () => void): Connection[] {
  const spared: Connection[] = [];
  const putBack = busy.flatMap((connection) => {
    const { talk } = connection;
    if (talk === undefined) return []; // TLS, with hands not shaken: Node does not know it yet
    const { _httpMessage: response = null } = talk;
    const unfinished = {
      get finished() {
        spared.push(connection);
        return false;
      },
    };
    talk._httpMessage = unfinished as ServerResponse;
    return () => {
      talk._httpMessage = response;
    };
  });
  try {
    close();
  } finally {
    for (const back of putBack) back();
  }
  return spared;
}

function closeIfFresh(connection: Connection): void {
  if (!connection.isFresh) return;
  setTimeout(() => {
    if (connection.isFresh) connection.socket.destroy();
  }, LINGER).unref();
}
