/**
 * Tornado's `tornado.httpserver`, on Node's http and https: any request listener of Node's (a plain function, Express,
 * `app.callback()` of Koa, `fastify.routing`, Hono's `getRequestListener(app.fetch)`), in several forked processes.
 * @module
 */
import type { IncomingMessage, RequestListener, Server, ServerOptions, ServerResponse } from 'node:http';
import type { Socket } from 'node:net';
import { preforkError } from './errors';
import { genLog } from './log';
import { isValidIp } from './netutil';
import { reportTlsErrors, TCPServer, type TCPServerOptions, tlsOptions } from './tcpserver';

type Protocol = 'http' | 'https';

/**
 * Tornado's names, in camelCase, with Tornado's units and defaults, beside Node's own `http.ServerOptions`.
 * Where both say something about the same, Node's name wins.
 */
export interface HTTPServerOptions extends TCPServerOptions, Omit<ServerOptions, keyof TCPServerOptions> {
  /** Close every connection after its first answer. Default false. */
  noKeepAlive?: boolean;
  /**
   * Believe `X-Real-Ip` or `X-Forwarded-For`, and `X-Scheme` or `X-Forwarded-Proto`: while a request is served, its
   * socket's `remoteAddress` and `encrypted` are what they say, and so is what every framework makes of them.
   * Only behind a proxy that sets them. Default false.
   */
  xheaders?: boolean;
  /** Addresses of proxies that are skipped, from the right, in `X-Forwarded-For`. */
  trustedDownstream?: readonly string[];
  /** What the requests came by, where a proxy in front does the TLS and sends no header to say so. */
  protocol?: Protocol;
  /** Seconds a connection may wait for a request to begin, and its headers to be complete. Default 3600. */
  idleConnectionTimeout?: number;
  /** Seconds a whole request may take to come in (Tornado: its body). Default: no limit. */
  bodyTimeout?: number;
  /** Bytes of a request's start line and headers. Default 65536. */
  maxHeaderSize?: number;
  /** Bytes of a request's body. Beyond it: 400, and the connection is closed. Default `maxBufferSize`, or 100 MiB. */
  maxBodySize?: number;
  /** Bytes that may wait unread on one connection: Node's `highWaterMark`. */
  maxBufferSize?: number;
}

const DEFAULT_IDLE_TIMEOUT = 3600; // s, HTTPServer.initialize
const DEFAULT_HEADER_SIZE = 65536; // HTTP1ConnectionParameters
const DEFAULT_BUFFER_SIZE = 104857600; // IOStream

interface RequestContext {
  remoteIp: string;
  protocol: Protocol;
}

/** What the listeners see as their client, while one request on the socket is served. */
interface Disguise {
  original: RequestContext;
  request: IncomingMessage;
}

const contexts = new WeakMap<IncomingMessage, RequestContext>();
const disguises = new WeakMap<Socket, Disguise>();

/** Tornado's `request.remote_ip`: the client's address, as the proxies tell it if they are believed; `0.0.0.0` on a Unix socket. */
export function remoteIp(request: IncomingMessage): string {
  return contexts.get(request)?.remoteIp ?? connectionContext(request.socket).remoteIp;
}

/** Tornado's `request.protocol`: `http` or `https`, as the proxies tell it if they are believed. */
export function protocol(request: IncomingMessage): Protocol {
  return contexts.get(request)?.protocol ?? connectionContext(request.socket).protocol;
}

/** An HTTP or (with `sslOptions`) HTTPS server. How to start it: see TCPServer. */
export class HTTPServer extends TCPServer {
  declare readonly nodeServer: Server;
  readonly #connections = new Set<Socket>();

  /**
   * Opens nothing yet.
   *
   * @param requestListener what `http.createServer` takes
   * @throws what TCPServer's constructor does, and what `http.createServer` does for its own options
   */
  constructor(requestListener: RequestListener, options: HTTPServerOptions = {}) {
    super(options);
    this.nodeServer.on('request', pipeline(requestListener, options));
    const connected = options.sslOptions === undefined ? 'connection' : 'secureConnection';
    this.nodeServer.on(connected, (connection: Socket) => this.#track(connection));
  }

  /**
   * Closes all connections, also those with a request in hand, except upgraded ones (WebSocket).
   * Resolves when they are closed. Call `stop()` first, or new ones may come.
   */
  async closeAllConnections(): Promise<void> {
    this.nodeServer.closeAllConnections();
    const closing = [...this.#connections].filter((connection) => connection.destroyed);
    await Promise.all(closing.map(whenClosed));
  }

  protected override createNodeServer(options: HTTPServerOptions): Server {
    const { sslOptions } = options;
    const nodeOptions = toNodeOptions(options);
    // Loaded where they are wanted: most who fork serve nothing, and few with TLS.
    const http = require('node:http') as typeof import('node:http');
    if (sslOptions === undefined) return http.createServer(nodeOptions);
    const https = require('node:https') as typeof import('node:https');
    return reportTlsErrors(https.createServer({ ...nodeOptions, ...tlsOptions(sslOptions) }));
  }

  #track(connection: Socket): void {
    this.#connections.add(connection);
    connection.once('close', () => this.#connections.delete(connection));
  }
}

function whenClosed(connection: Socket): Promise<void> {
  return new Promise((resolve) => connection.once('close', () => resolve()));
}

// --- Options ---

function toNodeOptions(options: HTTPServerOptions): ServerOptions {
  const {
    noKeepAlive: _noKeepAlive,
    xheaders: _xheaders,
    trustedDownstream: _trustedDownstream,
    protocol: _protocol,
    sslOptions: _sslOptions,
    maxBodySize: _maxBodySize,
    idleConnectionTimeout = DEFAULT_IDLE_TIMEOUT,
    bodyTimeout = 0,
    maxBufferSize,
    ...nodes
  } = options;
  if ('decompressRequest' in nodes && nodes.decompressRequest === true) {
    throw preforkError(
      'ERR_PREFORK_UNSUPPORTED',
      'decompressRequest: the body parser of the framework does that',
    );
  }
  const idle = milliseconds('idleConnectionTimeout', idleConnectionTimeout);
  const whole = milliseconds('bodyTimeout', bodyTimeout);
  return {
    maxHeaderSize: DEFAULT_HEADER_SIZE,
    keepAliveTimeout: idle,
    requestTimeout: whole,
    // Node refuses a time for the headers that is longer than that for the whole request.
    headersTimeout: whole === 0 ? idle : Math.min(idle, whole),
    connectionsCheckingInterval: checkingInterval(whole === 0 ? idle : Math.min(idle, whole)),
    ...(maxBufferSize === undefined ? {} : { highWaterMark: maxBufferSize }),
    ...nodes,
  };
}

function milliseconds(name: string, seconds: number): number {
  if (typeof seconds === 'number' && seconds >= 0) return Math.min(Math.ceil(seconds * 1000), 2 ** 31 - 1);
  throw preforkError('ERR_PREFORK_OUT_OF_RANGE', `Expected zero or more seconds for ${name}`, {
    Base: RangeError,
  });
}

/** Node looks for expired connections every 30 s: too seldom for a short timeout. */
function checkingInterval(shortest: number): number {
  return shortest === 0 ? 30_000 : Math.min(30_000, Math.max(50, shortest / 2));
}

// --- One request ---

function pipeline(listener: RequestListener, options: HTTPServerOptions): RequestListener {
  const { noKeepAlive = false, maxBodySize = options.maxBufferSize ?? DEFAULT_BUFFER_SIZE } = options;
  const disguised = options.xheaders === true || options.protocol !== undefined;
  const trusted = new Set(options.trustedDownstream);
  return (request, response) => {
    if (noKeepAlive) response.shouldKeepAlive = false;
    if (disguised) disguise(request, response, options, trusted);
    if (limitBody(request, response, maxBodySize)) listener(request, response);
  };
}

/** HTTP1Connection._read_body and _read_chunked_body. False: the request has been refused already. */
function limitBody(request: IncomingMessage, response: ServerResponse, limit: number): boolean {
  if (Number(request.headers['content-length'] ?? 0) > limit) {
    refuse(request, response, 'Content-Length too long', 'http1connection:289');
    return false;
  }
  if (request.headers['transfer-encoding'] !== undefined) countChunks(request, response, limit);
  return true;
}

/** Counts where Node's parser hands the body over, so that who reads it, and when, stays the listener's business. */
function countChunks(request: IncomingMessage, response: ServerResponse, limit: number): void {
  const push = request.push;
  let received = 0;
  request.push = (chunk: Buffer | null, encoding?: BufferEncoding) => {
    received += chunk?.length ?? 0;
    if (received <= limit) return push.call(request, chunk, encoding);
    if (!request.destroyed) refuse(request, response, 'chunked body too large', 'http1connection:289');
    return false;
  };
}

function refuse(request: IncomingMessage, response: ServerResponse, reason: string, place: string): void {
  const { socket } = request;
  genLog.info(`Malformed HTTP message from ${remoteIp(request)}: ${reason}`, place);
  if (!response.headersSent) socket.write('HTTP/1.1 400 Bad Request\r\n\r\n');
  socket.destroySoon();
}

// --- The proxies' headers ---

function connectionContext(socket: Socket): RequestContext {
  return {
    remoteIp: socket.remoteAddress ?? '0.0.0.0',
    protocol: 'encrypted' in socket && socket.encrypted ? 'https' : 'http',
  };
}

/** _HTTPRequestContext._apply_xheaders, and _unapply_xheaders when the answer is out: they are per request. */
function disguise(
  request: IncomingMessage,
  response: ServerResponse,
  options: HTTPServerOptions,
  trusted: ReadonlySet<string>,
): void {
  const { socket } = request;
  const original = disguises.get(socket)?.original ?? connectionContext(socket);
  const context = { ...original, ...(options.protocol === undefined ? {} : { protocol: options.protocol }) };
  if (options.xheaders === true) applyXheaders(context, request, trusted);
  contexts.set(request, context);
  disguises.set(socket, { original, request });
  wear(socket, context);
  response.once('close', () => {
    // A pipelined request may have put on its own by now.
    if (disguises.get(socket)?.request === request) wear(socket, original);
  });
}

function wear(socket: Socket, { remoteIp, protocol }: RequestContext): void {
  Object.defineProperty(socket, 'remoteAddress', { value: remoteIp, configurable: true, enumerable: true });
  Object.assign(socket, { encrypted: protocol === 'https' });
}

function applyXheaders(
  context: RequestContext,
  request: IncomingMessage,
  trusted: ReadonlySet<string>,
): void {
  const forwarded = (header(request, 'x-forwarded-for') ?? context.remoteIp)
    .split(',')
    .map((ip) => ip.trim());
  // The last one that is none of ours; the first if all are.
  const nearest = forwarded.findLast((ip) => !trusted.has(ip)) ?? forwarded[0] ?? '';
  const ip = header(request, 'x-real-ip') ?? nearest;
  if (isValidIp(ip)) context.remoteIp = ip;
  const scheme = header(request, 'x-scheme') ?? header(request, 'x-forwarded-proto') ?? context.protocol;
  // Only the last entry if there is more than one.
  const last = scheme.split(',').at(-1)?.trim();
  if (last === 'http' || last === 'https') context.protocol = last;
}

/** All headers of that name as one: Tornado joins them with a comma, as Node does for these. */
function header(request: IncomingMessage, name: string): string | undefined {
  const value = request.headers[name];
  return Array.isArray(value) ? value.join(',') : value;
}
