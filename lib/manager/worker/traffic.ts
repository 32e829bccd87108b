/** What goes through a worker's servers: counted while it runs, and brought to an end when it stops. */
import { subscribe } from 'node:diagnostics_channel';
import type { Server as HttpServer, ServerResponse } from 'node:http';
import { Server, type Socket } from 'node:net';
import { binding } from '../../base/binding';
import type { ListeningSocket } from '../../netutil';
import { ownedSockets } from '../../sockets/server-handle';
import type { Row } from '../scoreboard';
import { handshakes, portsOf } from './handshakes';

/**
 * How long a connection without a request is left open when a worker stops: what a client has sent already may still be
 * on its way.
 */
const LINGER = 1000;
/** A lost packet of a handshake is sent again after a second; longer than that and a bit only liars take. */
const HANDSHAKE_LIMIT = 3000;
const LOOK_INTERVAL = 20;

interface Http2Session {
  close(): void;
  on(event: 'close', listener: () => void): void;
}

/** What lib/_http_server.js keeps on a socket: the response that is being written. */
interface Busy {
  _httpMessage?: ServerResponse | null;
}

const servers = new Set<Server>();
/** Each with the time at which it was accepted. */
const connections = new Map<Socket, number>();
const sessions = new Set<Http2Session>();
/** Sockets that were handed over. */
const lent = new Set<number>();
let stopping = false;

/** Counts from now on. */
export function countTraffic(row: Row): void {
  const count = row.counter('requests');
  subscribe('http.server.request.start', (message) => {
    count(1);
    if (stopping) lastOnItsConnection((message as { response: ServerResponse }).response);
  });
}

/** A server that begins to listen in this worker. */
export function watchServer(server: Server, row: Row): void {
  if (servers.has(server)) return;
  servers.add(server);
  const count = row.counter('connections');
  server.on('close', () => servers.delete(server));
  server.on('connection', (socket: Socket) => {
    connections.set(socket, Date.now());
    count(1);
    socket.once('close', () => {
      connections.delete(socket);
      count(-1);
    });
  });
  watchHttp2(server, row.counter('requests'));
}

/** HTTP/2 servers have no channel to be counted by, but sessions that can be told to finish. */
function watchHttp2(server: Server, count: (amount: number) => void): void {
  if (!/^Http2(Secure)?Server$/.test(server.constructor.name)) return;
  server.on('stream', () => count(1));
  server.on('session', (session: Http2Session) => {
    sessions.add(session);
    session.on('close', () => sessions.delete(session));
    if (stopping) session.close();
  });
}

/** Who has handed this socket over keeps it: what waits in it is for whoever serves it next. */
export function leaveQueueOf({ fd }: ListeningSocket): void {
  lent.add(fd);
}

function lastOnItsConnection(response: ServerResponse): void {
  if (!response.headersSent) response.shouldKeepAlive = false;
}

interface End {
  /** Nobody else will accept what waits in the queue. */
  isLast(): boolean;
  /** The whole server ends, so that somebody waits for it. */
  isUrgent(): boolean;
  /** How long it may take. */
  patience: number;
}

/**
 * Accepts no more connections, lets every request be answered and its connection end with that. Resolves when all are
 * closed.
 *
 * A connection on which nothing is asked is left open as long as its client was told that it would be (the server's
 * `keepAliveTimeout`): a request may be on its way. If the whole server ends, it is closed after a second.
 */
export async function finishTraffic({ isLast, isUrgent, patience }: End): Promise<void> {
  stopping = true;
  const since = Date.now();
  for (const socket of connections.keys()) {
    const response = (socket as Busy)._httpMessage;
    if (response) lastOnItsConnection(response);
  }
  await stopAccepting(isLast);
  for (const session of sessions) session.close();
  while (connections.size > 0) {
    const elapsed = Date.now() - since;
    const isLate = isUrgent() || elapsed >= patience;
    if (isLate && elapsed >= LINGER) closeIdle();
    closeFresh(isLate);
    await pause();
  }
}

async function stopAccepting(drain: () => boolean): Promise<void> {
  const open = [...servers];
  if (drain()) await emptyQueues(open.flatMap(descriptorsOf).filter((fd) => !lent.has(fd)));
  // Not http.Server's own close(), which would also close what has been idle for no time at all.
  for (const server of open) Server.prototype.close.call(server);
}

/**
 * Their sockets take nobody new any more (`socket_refuse`). Who had asked before that is either in the queue, and is
 * accepted as the loop turns, or about to be: a socket that is closed meanwhile answers the last packet of the handshake
 * with a reset.
 */
async function emptyQueues(descriptors: number[]): Promise<void> {
  const ports = portsOf(descriptors);
  const giveUpAt = Date.now() + HANDSHAKE_LIMIT;
  let underWay = handshakes(ports);
  while (underWay.size > 0 && Date.now() < giveUpAt) {
    await pause();
    const now = handshakes(ports);
    underWay = new Set([...underWay].filter((each) => now.has(each)));
  }
  do await pause();
  while (descriptors.some((fd) => binding.socket_pending(fd) === 1));
}

function descriptorsOf(server: Server): number[] {
  const own = ownedSockets(server);
  if (own !== undefined) return own.map(({ fd }) => fd);
  const { _handle: handle } = server as unknown as { _handle: { fd?: number } | null };
  return handle?.fd === undefined || handle.fd < 0 ? [] : [handle.fd];
}

function closeIdle(): void {
  for (const server of servers) {
    if (speaksHttp(server)) server.closeIdleConnections();
  }
}

/** Node takes a connection for busy on which no request has ever begun. */
function closeFresh(isLate: boolean): void {
  for (const [socket, acceptedAt] of connections) {
    const server = httpServerOf(socket);
    if (server === undefined || socket.bytesRead > 0) continue;
    const limit = isLate ? LINGER : Math.max(LINGER, server.keepAliveTimeout || Number.POSITIVE_INFINITY);
    if (Date.now() - acceptedAt >= limit) socket.destroy();
  }
}

function httpServerOf(socket: Socket): HttpServer | undefined {
  const { server } = socket as unknown as { server?: Server };
  return server !== undefined && speaksHttp(server) ? server : undefined;
}

/** Also with TLS. Asking for the classes would load http and tls into programs that use neither. */
function speaksHttp(server: Server): server is HttpServer {
  return 'closeIdleConnections' in server;
}

/** And until the loop has read what came meanwhile: after a delay timers come first. */
function pause(): Promise<void> {
  return new Promise((resolve) => setTimeout(() => setImmediate(resolve), LOOK_INTERVAL));
}
