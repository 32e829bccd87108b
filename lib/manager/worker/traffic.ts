/** What goes through a worker's servers: counted while it runs, and brought to an end when it stops. */
import { subscribe } from 'node:diagnostics_channel';
import type { Server, Socket } from 'node:net';
import { monotonic, setImmediate, setTimeout } from '../../base/timers';
import type { ListeningSocket } from '../../sockets/listening-socket';
import type { Row } from '../scoreboard';
import type { RequestInHand } from '../standing';
import {
  Connection,
  type Http2Session,
  type Http2Stream,
  type RequestStart,
  speaksHttp,
  speaksHttp2,
  usesTls,
} from './connections';
import { isLastNow, lastSoFar, makeLast, noteQueued } from './last-answers';
import { expectNoMoreStreams } from './last-streams';
import { descriptorsOf, emptyQueues, emptyQueuesThatEnd, letGo, pause } from './let-go';
import { sayGoodbye } from './say-goodbye';
import { closeSpares } from './spare-sockets';
import { LINGER, spareUnanswered } from './spare-unanswered';

/** How long an HTTP/2 client may be silent before it is taken for gone, in milliseconds: its process may wait for a processor. */
const SILENCE_LIMIT = 5000;

/** How long the other side of a connection that lasts may take to answer a goodbye. */
const GOODBYE_LIMIT = 1000;

/** On a socket. */
const CONNECTION = Symbol('connection');

const servers = new Set<Server>();
const connections = new Map<Socket, Connection>();
const sessions = new Set<Http2Session>();
/** Sockets that were handed over. */
const lent = new Set<number>();
let stopping = false;

/**
 * Undefined in the template: what is asked for in a rehearsal, no client has asked for. A child of the worker counts in a line
 * that nobody sees.
 */
let countRequest: ((amount: number) => void) | undefined;

/** Before the application is loaded; nothing is counted yet. */
export function hearOfRequests(): void {
  subscribe('http.server.request.start', (message) => {
    if (countRequest === undefined) return;
    countRequest(1);
    if (stopping) isLastNow(message as RequestStart);
    else noteQueued(message as RequestStart);
  });
}

/** Counts from now on. */
export function countTraffic(row: Row): void {
  countRequest = row.counter('requests');
}

/** Requests that wait for their answers, the oldest first. It costs them nothing: it is asked for when somebody wants to know. */
export function requestsInHand(): RequestInHand[] {
  const now = monotonic();
  return [...connections.values()]
    .flatMap(({ asked }) => asked)
    .sort((one, other) => (one.cameAt ?? 0) - (other.cameAt ?? 0))
    .map(({ name, cameAt }) => ({ name, age: cameAt === undefined ? null : now - cameAt }));
}

/** How many are open. */
export function acceptedConnections(): number {
  return connections.size;
}

/** A server that begins to listen in this worker. */
export function watchServer(server: Server, row: Row): void {
  if (servers.has(server)) return;
  servers.add(server);
  const count = row.counter('connections');
  const isPlain = !usesTls(server);
  const isHttp2 = speaksHttp2(server);
  server.on('close', () => forgetServer(server));
  const accepted = (socket: Socket) => {
    const connection = new Connection(socket, isPlain);
    connections.set(socket, connection);
    if (isHttp2) Reflect.set(socket, CONNECTION, connection);
    count(1);
    socket.once('close', () => {
      connections.delete(socket);
      count(-1);
    });
  };
  // Without TLS a session of HTTP/2 begins in the first listener, and is to find its connection.
  if (isHttp2 && isPlain) server.prependListener('connection', accepted);
  else server.on('connection', accepted);
  if (!isPlain) {
    server.on('secureConnection', (talk: Socket) => {
      const connection = connectionUnder(talk);
      if (connection !== undefined) connection.talk = talk;
    });
  }
  if (speaksHttp(server)) spareUnanswered(server, () => connections.values());
  if (isHttp2) watchHttp2(server, row);
}

/** One that listens no more. */
export function forgetServer(server: Server): void {
  servers.delete(server);
}

/** HTTP/2 servers have no channel to be counted by, but sessions that can be told to finish. */
function watchHttp2(server: Server, row: Row): void {
  const count = row.counter('requests');
  const bySession = new WeakMap<Http2Session, Connection>();
  server.on('stream', (stream: Http2Stream, headers: Record<string, unknown>) => {
    count(1);
    const streams = stream.session === undefined ? undefined : bySession.get(stream.session)?.streams;
    const at = monotonic();
    streams?.set(stream, { at, headers });
    stream.once('close', () => {
      streams?.delete(stream);
      const status = Number(stream.sentHeaders?.[':status']);
      if (status >= 100 && stream.rstCode === 0) row.answers.note(status, monotonic() - at);
    });
  });
  server.on('session', (session: Http2Session) => {
    const connection = connectionOf(session);
    if (connection !== undefined) {
      connection.session = session;
      bySession.set(session, connection);
    }
    sessions.add(session);
    session.on('close', () => sessions.delete(session));
    if (stopping) endSession(session);
  });
}

/** `_parent`: lib/_tls_wrap.js, the socket that was accepted. */
function connectionUnder(talk: Socket): Connection | undefined {
  const { _parent: accepted } = talk as unknown as { _parent?: Socket };
  return connections.get(accepted ?? talk);
}

/** A session's `socket` is a proxy, which shows what stands on the socket, but not which socket it is. */
function connectionOf({ socket }: Http2Session): Connection | undefined {
  if (socket === undefined) return undefined;
  const { _parent: accepted } = socket as unknown as { _parent?: Socket };
  if (accepted) return connections.get(accepted);
  return Reflect.get(socket, CONNECTION) as Connection | undefined;
}

/** What a client opens that does not answer is not served in the end: the last GOAWAY tells it to ask for that elsewhere. */
function endSession(session: Http2Session): void {
  const close = () => session.close();
  const talk = connectionOf(session)?.talk;
  if (talk !== undefined) expectNoMoreStreams(session, talk, close);
  // After a delay timers come first, and then what came meanwhile.
  setTimeout(() => setImmediate(close), SILENCE_LIMIT).unref();
}

/** The owner keeps an inherited socket: what waits in it is for the process that serves it next. */
export function leaveQueueOf({ fd }: ListeningSocket): void {
  lent.add(fd);
}

/**
 * No new connections, while the servers believe that they listen. Every connection with a request is told that its
 * answer is the last. With `drain`, nobody else will accept what waits in the queues; without, that goes for addresses that
 * the manager has closed.
 */
export async function stopAccepting(drain: () => boolean): Promise<void> {
  stopping = true;
  for (const connection of connections.values()) {
    const last = lastSoFar(connection);
    if (last !== undefined) makeLast(last);
  }
  for (const session of sessions) endSession(session);
  const open = [...servers];
  const queues = open.flatMap(descriptorsOf).filter((fd) => !lent.has(fd));
  if (drain()) await emptyQueues(queues);
  else await emptyQueuesThatEnd(queues);
  for (const server of open) letGo(server);
  closeSpares();
}

/** For an application that was told of the end, has left its servers open, and has nothing else to do. */
export function closeServers(): void {
  for (const server of servers) server.close();
}

export interface Patience {
  /** The whole server ends, so that somebody waits for it. */
  isUrgent(): boolean;
  /** Milliseconds. */
  limit: number;
}

/**
 * Until every request is answered, the answer is out, and the connections that wait for requests are closed.
 *
 * A connection on which nothing is asked is left open as long as its client was told that it would be (the server's
 * `keepAliveTimeout`): a request may be on its way. If the whole server ends, it is closed after a second.
 *
 * @param isFinal false: what is not answered when the time is over is somebody else's
 */
export async function answerRequests({ isUrgent, limit }: Patience, isFinal: boolean): Promise<void> {
  const since = monotonic();
  for (;;) {
    const elapsed = monotonic() - since;
    const isLate = isUrgent() || elapsed >= limit;
    if (isLate && elapsed >= LINGER) closeIdle(elapsed >= limit);
    closeFresh(isLate);
    const uses = new Set([...connections.values()].map(({ use }) => use));
    if (!uses.has('asked') && (!uses.has('idle') || elapsed >= limit + LINGER)) return;
    if (!isFinal && elapsed >= limit) return;
    await pause();
  }
}

/**
 * Waits until lasting connections are closed, by code that is told of the end; when time is up, closes them itself.
 *
 * @param isKnown whether the application has been told; otherwise nothing comes of waiting when the whole server ends,
 *   unless for protocols that nobody here understands
 * @returns how many were closed here
 */
export async function endLasting({ isUrgent, limit }: Patience, isKnown: boolean, keepsAlive: boolean) {
  const since = monotonic();
  const parted = new Map<Connection, number>();
  for (;;) {
    const now = monotonic();
    for (const connection of connections.values()) {
      const partedAt = parted.get(connection);
      if (partedAt !== undefined) {
        if (now - partedAt >= GOODBYE_LIMIT) connection.socket.destroy();
      } else if (connection.use === 'lasting') {
        const isHopeless = isUrgent() && !isKnown && !isForeign(connection);
        if (now - since < (isHopeless ? Math.min(LINGER, limit) : limit)) continue;
        parted.set(connection, now);
        sayGoodbye(connection);
      }
    }
    // What was a stream of events waits for requests once that has ended.
    if ((isUrgent() && now - since >= LINGER) || now - since >= limit) closeIdle(false);
    if (connections.size === 0) return parted.size;
    await pause({ keepsAlive });
  }
}

function isForeign({ server }: Connection): boolean {
  return server === undefined || !(speaksHttp(server) || speaksHttp2(server));
}

function closeIdle(isOver: boolean): void {
  for (const server of servers) if (speaksHttp(server)) server.closeIdleConnections();
  if (!isOver) return;
  // Those that have begun a request and not ended it, too.
  for (const { socket, use } of connections.values()) if (use === 'idle') socket.destroy();
}

/** Connections on which no request has ever begun, which are spared otherwise. */
function closeFresh(isLate: boolean): void {
  for (const { socket, server, acceptedAt, isFresh } of connections.values()) {
    if (server === undefined || !speaksHttp(server) || !isFresh) continue;
    const limit = isLate ? LINGER : Math.max(LINGER, server.keepAliveTimeout || Number.POSITIVE_INFINITY);
    if (monotonic() - acceptedAt >= limit) socket.destroy();
  }
}
