/**
 * Tornado's `tornado.tcpserver`, on Node's net and tls: a server on any number of sockets, in one process or several forked
 * ones.
 * @module
 */
import { ok as assert } from 'node:assert';
import { type AddressInfo, createServer, Server, type ServerOpts, type Socket } from 'node:net';
import type { TLSSocket } from 'node:tls';
import { given, isThenable } from './base/arguments';
import { wellSpelledOptions } from './base/option-names';
import { logAsTornado } from './log/loggers';
import { appLog } from './log/tornado-loggers';
import { addSockets, type BindSocketsOptions, bindSockets, type ListeningSocket } from './netutil';
import { type ForkProcessesOptions, forkProcesses } from './process';
import {
  asksForCertificates,
  refuseUntrusted,
  reportTlsErrors,
  type SslOptions,
  tlsOptions,
} from './servers/tls';

export type { SslFiles, SslOptions } from './servers/tls';

/** Options of `TCPServer`. `net.ServerOpts` go to Node's server unchanged. `null`, like Python's `None`, means not given. */
export interface TCPServerOptions extends ServerOpts {
  /** Makes it a TLS server. */
  sslOptions?: SslOptions | null;
  /** Unread bytes per connection after which the sender has to wait: Node's `highWaterMark`. */
  maxBufferSize?: number | null;
}

/** Ours. Node's own names go to Node, which knows more of them with each version. */
const TCP_OPTIONS = ['sslOptions', 'maxBufferSize'] as const satisfies readonly (keyof TCPServerOptions)[];

/** The other end of a connection: Python's address tuple; `''` for a Unix socket. */
export type PeerAddress = AddressInfo | '';

/**
 * A server for byte streams: extend it, and override `handleStream`.
 *
 * There are three ways to start it, as in Tornado:
 *
 * 1. `server.listen(8888)`: one process.
 * 2. `const sockets = bindSockets(8888); forkProcesses(0); server.addSockets(sockets)`: several processes.
 * 3. `server.bind(8888); server.start(0)`: the same in short.
 *
 * Open everything else (connections, file watchers, workers) after the fork, in each child.
 */
export class TCPServer {
  /** Node's own server behind this one, for its events and other features. Do not call its `listen()`. */
  readonly nodeServer: Server;
  #pending: ListeningSocket[] = [];
  #started = false;
  #stopped = false;

  /**
   * Opens nothing yet. Reads the certificate's files, so that their errors come before any client.
   *
   * @throws TypeError `missing key "certfile" in ssl_options`, `certfile "…" does not exist`, `keyfile "…" does not exist`,
   *   and `ERR_PREFORK_INVALID_ARG_VALUE` for anything else in `sslOptions` that Node would ignore
   */
  constructor(options: TCPServerOptions = {}) {
    this.nodeServer = this.createNodeServer(options);
    if (asksForCertificates(options.sslOptions))
      this.nodeServer.prependListener('secureConnection', refuseUntrusted);
  }

  /**
   * Starts accepting connections on a port, at once, in this process. Call it again for more ports. Parameters and errors
   * are those of `bindSockets`.
   */
  listen(port: number, address?: string | null, options: BindSocketsOptions = {}): void {
    this.addSockets(bindSockets(port, address, options));
  }

  /**
   * Starts accepting connections on these sockets, at once. The server now owns them, and `stop()` closes them. Call it in
   * each child, with sockets that the parent has bound.
   */
  addSockets(sockets: Iterable<ListeningSocket>): void {
    addSockets(this.nodeServer, sockets);
  }

  /** `addSockets` for one. */
  addSocket(socket: ListeningSocket): void {
    this.addSockets([socket]);
  }

  /**
   * Binds a port, to serve it once `start()` is called (at once if it was called before). Parameters and errors are those of
   * `bindSockets`.
   */
  bind(port: number, address?: string | null, options: BindSocketsOptions = {}): void {
    const sockets = bindSockets(port, address, options);
    if (this.#started) this.addSockets(sockets);
    else this.#pending.push(...sockets);
  }

  /**
   * Serves what was bound. With `numProcesses` 1, the default, in this process. With any other number (`null`, zero or less:
   * one per processor) it calls `forkProcesses` and returns only in each child; what is said there about the parent and
   * about errors holds here.
   *
   * @throws AssertionError if called twice
   */
  start(
    numProcesses: number | null = 1,
    maxRestarts?: number | null,
    options: ForkProcessesOptions = {},
  ): void {
    assert(!this.#started, 'start() was called twice');
    this.#started = true;
    if (numProcesses !== 1) forkProcesses(numProcesses, maxRestarts, options);
    const sockets = this.#pending;
    this.#pending = [];
    this.addSockets(sockets);
  }

  /** Closes the listening sockets of this process, and goes on serving open connections. Calling it twice does no harm. */
  stop(): void {
    if (this.#stopped) return;
    this.#stopped = true;
    // Not nodeServer.close(): that of http closes idle connections too, which Tornado keeps.
    if (this.nodeServer instanceof Server) Server.prototype.close.call(this.nodeServer);
    else (this.nodeServer as Server).close(); // Bun's http.Server
  }

  /**
   * Called with every new connection, with `sslOptions` after the handshake. Override it. If it throws, or returns a promise
   * that rejects, the error is logged to `tornado.application` and the stream closed. A connection that breaks is closed,
   * too, as an IOStream is: listen for the stream's `error` to know why.
   */
  handleStream(_stream: Socket | TLSSocket, _address: PeerAddress): unknown {
    throw new Error('handleStream() is not implemented');
  }

  /** Which of Node's servers to build on; it must come without a request or connection listener of its own. */
  protected createNodeServer(options: TCPServerOptions): Server {
    const chosen = given('options', options);
    wellSpelledOptions('options', chosen, TCP_OPTIONS);
    const { sslOptions, maxBufferSize, ...rest } = chosen;
    const nodeOptions = { ...(maxBufferSize === undefined ? {} : { highWaterMark: maxBufferSize }), ...rest };
    const handle = (stream: Socket) => this.#handle(stream);
    if (sslOptions === undefined) return createServer(nodeOptions, handle);
    // Loaded on demand: Node begins to read certificates at once.
    const tls = require('node:tls') as typeof import('node:tls');
    return reportTlsErrors(tls.createServer({ ...nodeOptions, ...tlsOptions(sslOptions) }, handle));
  }

  /** TCPServer._handle_connection, from where the stream exists; `Exception in callback` is IOLoop's. */
  #handle(stream: Socket): void {
    if (stream.destroyed) return; // refuseUntrusted
    // A reset connection is the client's affair; in Node, an error that nobody listens for ends the process.
    stream.on('error', () => {});
    // In Python a stream that nobody holds any more is closed as soon as the error has been logged.
    const fail = (message: string, line: string, error: unknown) => {
      logAsTornado(appLog, 'error', message, line, [error]);
      stream.destroy();
    };
    try {
      const result = this.handleStream(stream, peerAddress(stream));
      if (isThenable(result))
        result.then(undefined, (error) => fail('Exception in callback', 'ioloop:760', error));
    } catch (error) {
      fail('Error in connection callback', 'tcpserver:394', error);
    }
  }
}

function peerAddress({ remoteAddress, remoteFamily, remotePort }: Socket): PeerAddress {
  if (remoteAddress === undefined || remotePort === undefined) return '';
  return { address: remoteAddress, family: remoteFamily ?? 'IPv4', port: remotePort };
}
