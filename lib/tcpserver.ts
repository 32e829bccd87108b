/**
 * Tornado's `tornado.tcpserver`, on Node's net and tls: a server that listens on any number of sockets, in one process
 * or in several forked ones.
 * @module
 */
import { ok as assert } from 'node:assert';
import { type AddressInfo, createServer, Server, type ServerOpts, type Socket } from 'node:net';
import type { TLSSocket } from 'node:tls';
import { given } from './base/arguments';
import { appLog } from './log';
import { logAsTornado } from './log/loggers';
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

/** `net.ServerOpts` go to Node's server as they are. `null`, as Python's `None`, is an option that is not given. */
export interface TCPServerOptions extends ServerOpts {
  /** Makes it a TLS server. */
  sslOptions?: SslOptions | null;
  /** Bytes that may wait unread on one connection: Node's `highWaterMark`. Beyond it, the sender has to wait. */
  maxBufferSize?: number | null;
}

/** The other end of a connection: Python's address tuple; `''` for a Unix socket. */
export type PeerAddress = AddressInfo | '';

/**
 * A server for streams of bytes: extend it, and override `handleStream`.
 *
 * There are three ways to start it, as in Tornado:
 *
 * 1. `server.listen(8888)`: one process.
 * 2. `const sockets = bindSockets(8888); forkProcesses(0); server.addSockets(sockets)`: several processes.
 * 3. `server.bind(8888); server.start(0)`: the same in short.
 *
 * Whatever else the program opens (connections, files it watches, workers) must come after the fork, in each child.
 */
export class TCPServer {
  /** Node's own server behind this one, for its events and whatever else it can do. Do not `listen()` with it. */
  readonly nodeServer: Server;
  #pending: ListeningSocket[] = [];
  #started = false;
  #stopped = false;

  /**
   * Opens nothing yet. The certificate's files are read here, so that their errors come before any client.
   *
   * @throws TypeError `missing key "certfile" in ssl_options`, `certfile "…" does not exist`, `keyfile "…" does not exist`,
   *   and `ERR_PREFORK_INVALID_ARG_VALUE` for whatever else in `sslOptions` Node would ignore
   */
  constructor(options: TCPServerOptions = {}) {
    this.nodeServer = this.createNodeServer(options);
    if (asksForCertificates(options.sslOptions))
      this.nodeServer.prependListener('secureConnection', refuseUntrusted);
  }

  /**
   * Starts accepting connections on a port, at once, in this process. More than once: more ports.
   * The parameters and errors are those of `bindSockets`.
   */
  listen(port: number, address?: string | null, options: BindSocketsOptions = {}): void {
    this.addSockets(bindSockets(port, address, options));
  }

  /**
   * Starts accepting connections on these sockets, at once; they are the server's from now on, and `stop()` closes
   * them. Meant to be called in each child, with sockets that the parent has bound.
   */
  addSockets(sockets: Iterable<ListeningSocket>): void {
    addSockets(this.nodeServer, sockets);
  }

  /** `addSockets` for one. */
  addSocket(socket: ListeningSocket): void {
    this.addSockets([socket]);
  }

  /**
   * Binds a port, to be served when `start()` is called (at once, if it was called before).
   * The parameters and errors are those of `bindSockets`.
   */
  bind(port: number, address?: string | null, options: BindSocketsOptions = {}): void {
    const sockets = bindSockets(port, address, options);
    if (this.#started) this.addSockets(sockets);
    else this.#pending.push(...sockets);
  }

  /**
   * Serves what was bound. With `numProcesses` 1, the default, in this process; with any other number (`null`, zero or
   * less: one for each processor) it calls `forkProcesses`: it then returns in each child only, and everything said
   * there about the parent and about errors holds here.
   *
   * @throws AssertionError when called twice
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

  /** Closes the listening sockets of this process. Connections stay open and are served on. Twice does no harm. */
  stop(): void {
    if (this.#stopped) return;
    this.#stopped = true;
    // Not nodeServer.close(): that of http closes idle connections too, which Tornado keeps.
    if (this.nodeServer instanceof Server) Server.prototype.close.call(this.nodeServer);
    else (this.nodeServer as Server).close(); // Bun's http.Server
  }

  /**
   * Called with every new connection; to be overridden. With `sslOptions`, after the handshake. What it throws, and
   * what a promise it returns is rejected with, is logged to `tornado.application`, and the stream is closed. A
   * connection that breaks is closed, too, as an IOStream is: listen for the stream's `error` to know why.
   */
  handleStream(_stream: Socket | TLSSocket, _address: PeerAddress): unknown {
    throw new Error('handleStream() is not implemented');
  }

  /** Which of Node's servers to build on; it must come without a request or connection listener of its own. */
  protected createNodeServer(options: TCPServerOptions): Server {
    const { sslOptions, maxBufferSize, ...rest } = given('options', options);
    const nodeOptions = { ...(maxBufferSize === undefined ? {} : { highWaterMark: maxBufferSize }), ...rest };
    const handle = (stream: Socket) => this.#handle(stream);
    if (sslOptions === undefined) return createServer(nodeOptions, handle);
    // Loaded where it is wanted: Node begins to read certificates as soon as it is.
    const tls = require('node:tls') as typeof import('node:tls');
    return reportTlsErrors(tls.createServer({ ...nodeOptions, ...tlsOptions(sslOptions) }, handle));
  }

  /** TCPServer._handle_connection, from where the stream exists; `Exception in callback` is IOLoop's. */
  #handle(stream: Socket): void {
    if (stream.destroyed) return; // refuseUntrusted
    // A reset connection is the client's affair; in Node, an error that nobody listens for ends the process.
    stream.on('error', () => {});
    // In Python a stream that nobody holds any more is closed as soon as the error has been logged.
    const fail = (message: string, place: string, error: unknown) => {
      logAsTornado(appLog, 'error', message, place, [error]);
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

function isThenable(value: unknown): value is PromiseLike<unknown> {
  return typeof (value as PromiseLike<unknown> | null | undefined)?.then === 'function';
}
