/**
 * Tornado's `tornado.httpserver`, on Node's http and https: any request listener of Node's (a plain function, Express,
 * `app.callback()` of Koa, `fastify.routing`, Hono's `getRequestListener(app.fetch)`), in several forked processes.
 * @module
 */
import type { IncomingMessage, RequestListener, Server, ServerOptions, ServerResponse } from 'node:http';
import type { Socket } from 'node:net';
import type { TLSSocket } from 'node:tls';
import { callable, type Given, given, outOfRange } from './base/arguments';
import { invalidType, preforkError } from './base/errors';
import { wellSpelledOptions } from './base/option-names';
import { logAsTornado } from './log/loggers';
import { genLog } from './log/tornado-loggers';
import { limitBodyTime } from './servers/body-timeout';
import { surviving } from './servers/listener-errors';
import { believe, disguise, type Protocol, remoteIp } from './servers/proxy-headers';
import { reportTlsErrors, tlsOptions } from './servers/tls';
import { TCPServer, type TCPServerOptions } from './tcpserver';

export { protocol, remoteIp } from './servers/proxy-headers';

/**
 * Tornado's names, in camelCase, with Tornado's units and defaults, beside Node's own `http.ServerOptions`.
 * Where two options mean the same, Node's wins. `null`, as Python's `None`, is an option that is not given.
 */
export interface HTTPServerOptions
  extends TCPServerOptions,
    Omit<ServerOptions, keyof TCPServerOptions | 'maxHeaderSize'> {
  /** Close every connection after its first answer. Default false. */
  noKeepAlive?: boolean;
  /**
   * Believe `X-Real-Ip` or `X-Forwarded-For`, and `X-Scheme` or `X-Forwarded-Proto`: while a request is served, its
   * socket's `remoteAddress` and `encrypted` are what they say, and so is what every framework makes of them. Where a
   * client does not wait for its answers (pipelining), and in listeners of `upgrade`, `connect` and `checkContinue`, only
   * `remoteIp()` and `protocol()` are sure to be this request's. Only behind a proxy that sets them. Default false.
   */
  xheaders?: boolean;
  /** Addresses of proxies that are skipped, from the right, in `X-Forwarded-For`. */
  trustedDownstream?: readonly string[] | null;
  /** The protocol of all requests, if a proxy in front does the TLS and sends no header that says so. */
  protocol?: Protocol | null;
  /** Seconds a connection may wait for a request to begin, and its headers to be complete. Default, and 0: 3600. */
  idleConnectionTimeout?: number | null;
  /**
   * Seconds a request's body may take to come in, from its headers on. Beyond it the connection is closed. Default, and 0:
   * no limit. For the whole request: Node's `requestTimeout`, in milliseconds.
   */
  bodyTimeout?: number | null;
  /** Bytes of a request's start line and headers. Default, and 0: 65536. */
  maxHeaderSize?: number | null;
  /** Bytes of a request's body. Beyond it: 400, and the connection is closed. Default `maxBufferSize`, or 100 MiB. */
  maxBodySize?: number | null;
  /** Bytes that may wait unread on one connection: Node's `highWaterMark`. */
  maxBufferSize?: number | null;
}

/** Ours. Node's own names go to Node, which knows more of them with each version. */
const HTTP_OPTIONS = [
  'sslOptions',
  'noKeepAlive',
  'xheaders',
  'trustedDownstream',
  'protocol',
  'idleConnectionTimeout',
  'bodyTimeout',
  'maxHeaderSize',
  'maxBodySize',
  'maxBufferSize',
] as const satisfies readonly (keyof HTTPServerOptions)[];

const DEFAULT_IDLE_TIMEOUT = 3600; // s, HTTPServer.initialize
const DEFAULT_HEADER_SIZE = 65536; // HTTP1ConnectionParameters
const DEFAULT_BUFFER_SIZE = 104857600; // IOStream

/** An HTTP or (with `sslOptions`) HTTPS server. How to start it: see TCPServer. */
export class HTTPServer extends TCPServer {
  declare readonly nodeServer: Server;
  readonly #connections = new Set<Socket>();
  /** Connections whose TLS handshake is under way: Node's `closeAllConnections` does not know them. */
  readonly #handshaking = new Set<Socket>();

  /**
   * Opens nothing yet.
   *
   * What `requestListener` throws, and what a promise it returns is rejected with, is logged to `tornado.application`, and the
   * client gets 500, also after `writeHead()`; where an answer has begun to be sent, its connection is closed after what has
   * been written. The process lives, also if the listener writes on. What its own callbacks throw later ends it, as everywhere
   * in Node.
   *
   * @param requestListener what `http.createServer` takes
   * @throws what TCPServer's constructor does, and what `http.createServer` does for its own options
   */
  constructor(requestListener: RequestListener, options: HTTPServerOptions = {}) {
    callable('requestListener', requestListener);
    super(options);
    const known = given('options', options);
    believe(this.nodeServer, known);
    this.nodeServer.on('request', pipeline(requestListener, known));
    this.nodeServer.on('connection', (connection: Socket) => this.#track(connection));
    if (known.sslOptions !== undefined) this.#trackHandshakes();
  }

  /**
   * Closes all connections, also those with a request in hand, except upgraded ones (WebSocket).
   * Resolves when they are closed. Call `stop()` first, or new ones may come.
   */
  async closeAllConnections(): Promise<void> {
    this.nodeServer.closeAllConnections();
    for (const connection of this.#handshaking) connection.destroy();
    const closing = [...this.#connections].filter((connection) => connection.destroyed);
    await Promise.all(closing.map(whenClosed));
  }

  protected override createNodeServer(options: HTTPServerOptions): Server {
    const known = given('options', options);
    wellSpelledOptions('options', known, HTTP_OPTIONS);
    const { sslOptions } = known;
    const nodeOptions = toNodeOptions(known);
    // Loaded on demand: most programs that fork serve nothing, and few serve TLS.
    const http = require('node:http') as typeof import('node:http');
    if (sslOptions === undefined) return http.createServer(nodeOptions);
    const https = require('node:https') as typeof import('node:https');
    return reportTlsErrors(https.createServer({ ...nodeOptions, ...tlsOptions(sslOptions) }));
  }

  #track(connection: Socket): void {
    // Once read, it can be read again after the client has gone.
    void connection.remoteAddress;
    keepWhileOpen(this.#connections, connection);
  }

  #trackHandshakes(): void {
    this.nodeServer.on('connection', (connection: Socket) => keepWhileOpen(this.#handshaking, connection));
    this.nodeServer.on('secureConnection', (connection: TLSSocket) => {
      this.#track(connection);
      this.#handshaking.delete((connection as unknown as TlsInternals)._parent);
    });
  }
}

/** What lib/_tls_wrap.js keeps of the connection beneath. */
interface TlsInternals {
  _parent: Socket;
}

function keepWhileOpen(connections: Set<Socket>, connection: Socket): void {
  connections.add(connection);
  connection.once('close', () => connections.delete(connection));
}

function whenClosed(connection: Socket): Promise<void> {
  return new Promise((resolve) => connection.once('close', () => resolve()));
}

// --- Options ---

/** What Node 20 does not have. */
interface NewerOptions {
  keepAliveTimeoutBuffer?: number;
}

function toNodeOptions(options: Given<HTTPServerOptions>): ServerOptions & NewerOptions {
  const {
    noKeepAlive: _noKeepAlive,
    xheaders: _xheaders,
    trustedDownstream: _trustedDownstream,
    protocol: _protocol,
    sslOptions: _sslOptions,
    maxBodySize: _maxBodySize,
    idleConnectionTimeout = 0,
    bodyTimeout: _bodyTimeout,
    maxHeaderSize = 0,
    maxBufferSize,
    ...nodes
  } = options;
  if ('decompressRequest' in nodes && nodes.decompressRequest === true) {
    throw preforkError(
      'ERR_PREFORK_UNSUPPORTED',
      'decompressRequest: the body parser of the framework does that',
    );
  }
  const idle = milliseconds('idleConnectionTimeout', idleConnectionTimeout) || DEFAULT_IDLE_TIMEOUT * 1000;
  const { requestTimeout: whole = 0 } = nodes;
  // Node refuses a time for the headers that is longer than that for the whole request.
  const headers = whole === 0 ? idle : Math.min(idle, whole);
  return {
    maxHeaderSize: maxHeaderSize || DEFAULT_HEADER_SIZE,
    // Node would add a second, so that clients who go by its Keep-Alive header are not cut off.
    ...(nodes.keepAliveTimeout === undefined ? { keepAliveTimeout: idle, keepAliveTimeoutBuffer: 0 } : {}),
    requestTimeout: whole,
    headersTimeout: headers,
    connectionsCheckingInterval: checkingInterval(headers),
    ...(maxBufferSize === undefined ? {} : { highWaterMark: maxBufferSize }),
    ...nodes,
  };
}

function milliseconds(name: string, seconds: number): number {
  return Math.min(Math.ceil(amount(name, seconds, 'seconds') * 1000), 2 ** 31 - 1);
}

function amount(name: string, value: unknown, unit: string): number {
  if (typeof value !== 'number') throw invalidType(name, `a number of ${unit}`, value);
  if (value >= 0) return value;
  throw outOfRange(`Expected zero or more ${unit} for ${name}`);
}

/** Node looks for expired connections every 30 s: too seldom for a short timeout. */
function checkingInterval(shortest: number): number {
  return shortest === 0 ? 30_000 : Math.min(30_000, Math.max(50, shortest / 2));
}

// --- One request ---

function pipeline(listener: RequestListener, options: Given<HTTPServerOptions>): RequestListener {
  const { noKeepAlive = false, maxBufferSize = DEFAULT_BUFFER_SIZE } = options;
  const limit = amount('maxBodySize', options.maxBodySize ?? maxBufferSize, 'bytes');
  const bodyTime = milliseconds('bodyTimeout', options.bodyTimeout ?? 0);
  const serve = surviving(listener);
  const disguised = options.xheaders === true || options.protocol !== undefined;
  return (request, response) => {
    if (noKeepAlive) closeAfter(request, response);
    if (disguised) disguise(request, response);
    if (!limitBody(request, response, limit)) return;
    limitBodyTime(request, bodyTime);
    serve(request, response);
  };
}

function closeAfter({ socket }: IncomingMessage, response: ServerResponse): void {
  response.shouldKeepAlive = false;
  // For a `Connection: keep-alive` of the listener's own, Node would keep it all the same.
  response.once('finish', () => socket.destroySoon());
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

/** Counts where Node's parser hands the body over, so that the listener still decides who reads it, and when. */
function countChunks(request: IncomingMessage, response: ServerResponse, limit: number): void {
  const push = request.push;
  let received = 0;
  request.push = (chunk: Buffer | null, encoding?: BufferEncoding) => {
    const refused = received > limit;
    received += chunk?.length ?? 0;
    if (received <= limit) return push.call(request, chunk, encoding);
    if (!refused) refuse(request, response, 'chunked body too large', 'http1connection:289');
    return false;
  };
}

function refuse(request: IncomingMessage, response: ServerResponse, reason: string, line: string): void {
  const { socket } = request;
  logAsTornado(genLog, 'info', `Malformed HTTP message from ${remoteIp(request)}: ${reason}`, line);
  // Past the response, which may be in the listener's hands already and must not break there.
  const answer = () => {
    socket.write('HTTP/1.1 400 Bad Request\r\n\r\n');
    socket.destroySoon();
  };
  // It has no socket yet while an earlier request is being answered, and none any more when it is out.
  if (response.socket === null && !response.writableFinished) response.once('socket', answer);
  else if (response.headersSent) socket.destroySoon();
  else answer();
}
