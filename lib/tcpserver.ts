/**
 * Tornado's `tornado.tcpserver`, on Node's net and tls: a server that listens on any number of sockets, in one process
 * or in several forked ones.
 * @module
 */
import { ok as assert } from 'node:assert';
import { existsSync, readFileSync } from 'node:fs';
import { type AddressInfo, createServer, Server, type ServerOpts, type Socket } from 'node:net';
import type { TLSSocket, TlsOptions } from 'node:tls';
import { inspect } from 'node:util';
import { type Given, given } from './base/arguments';
import { preforkError } from './base/errors';
import { appLog, genLog } from './log';
import { addSockets, type BindSocketsOptions, bindSockets, type ListeningSocket } from './netutil';
import { type ForkProcessesOptions, forkProcesses } from './process';

/** Python's dictionary of arguments to `ssl.wrap_socket`. */
export interface SslFiles {
  /** PEM file of the certificate and those that lead to its authority; may hold the key too. */
  certfile: string;
  /** PEM file of the key; `certfile` if left out. */
  keyfile?: string | null;
  /** PEM file of the authorities that client certificates may come from. Default: none, so that all are refused. */
  caCerts?: string | null;
  /**
   * `ssl.CERT_NONE`, `CERT_OPTIONAL`, `CERT_REQUIRED`: whether clients are asked for a certificate, and must show one.
   * One that does not come from `caCerts` is refused in either case. Default 'none'.
   */
  certReqs?: 'none' | 'optional' | 'required' | null;
  /** In OpenSSL's notation. */
  ciphers?: string | null;
}

/** Files as in Python; beside them or, as an `ssl.SSLContext`, in place of them, what `tls.createServer` takes. */
export type SslOptions = SslFiles | TlsOptions;

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
    if (certificateIsOptional(options)) this.nodeServer.prependListener('secureConnection', refuseUntrusted);
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
    Server.prototype.close.call(this.nodeServer);
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
      appLog.error(message, error, place);
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

type KnownSslOptions = Given<Partial<SslFiles>> & TlsOptions;

/** Python's dictionary checked and read; what is Node's as it is. */
export function tlsOptions(options: SslOptions): TlsOptions {
  const { certfile, keyfile, caCerts, certReqs, ...nodes } = checked(
    given('sslOptions', options) as KnownSslOptions,
  );
  const tls: TlsOptions = nodes;
  if (certfile !== undefined) {
    tls.cert = readFileSync(certfile);
    tls.key = readFileSync(keyfile ?? certfile);
  }
  if (caCerts !== undefined) tls.ca = readFileSync(caCerts);
  if (certReqs !== undefined) {
    tls.requestCert = certReqs !== 'none';
    tls.rejectUnauthorized = certReqs === 'required';
    // Node would trust every authority of the web.
    if (certReqs !== 'none') tls.ca ??= [];
  }
  return tls;
}

function certificateIsOptional({ sslOptions }: TCPServerOptions): boolean {
  return (sslOptions as Partial<SslFiles> | null | undefined)?.certReqs === 'optional';
}

/** CERT_OPTIONAL: who shows no certificate is let in, who shows a wrong one is not. Node knows only both or neither. */
function refuseUntrusted(stream: TLSSocket): void {
  if (stream.authorized || stream.getPeerX509Certificate() === undefined) return;
  reportTlsError(stream, String(stream.authorizationError));
  stream.destroy();
}

/** TLS errors of single connections: logged as IOStream does, without a stack. */
export function reportTlsErrors<S extends Server>(server: S): S {
  return server.on(
    'tlsClientError',
    (error: Error & { code?: string; reason?: string }, stream: TLSSocket) => {
      // Connections that only broke are nobody's fault, and no news.
      if (error.code?.startsWith('ERR_SSL') !== true) return;
      reportTlsError(stream, error.reason ?? error.message.trim());
    },
  );
}

function reportTlsError({ remoteAddress, remotePort }: TLSSocket, reason: string): void {
  const peer = remoteAddress === undefined ? '(not connected)' : `('${remoteAddress}', ${remotePort})`;
  genLog.warn(`SSL Error on ${peer}: ${reason}`, 'iostream:1404');
}

const CERT_REQS: readonly unknown[] = ['none', 'optional', 'required'];

/** What Node would ignore in silence, and with it the safety that was asked for. */
const NOT_TAKEN = {
  cert_reqs: 'its name is certReqs',
  ca_certs: 'its name is caCerts',
  ssl_version: 'its names are minVersion and maxVersion',
  secureContext: 'a server needs what the context was made of: cert and key, or certfile',
};

/** What a server of Node's can show in place of a certificate's file. */
const IDENTITIES = ['cert', 'pfx', 'SNICallback', 'pskCallback'];

/** TCPServer.__init__: only certfile is required, because it can hold both. */
function checked(options: KnownSslOptions): KnownSslOptions {
  const { certfile, keyfile, certReqs = 'none' } = options;
  for (const [name, why] of Object.entries(NOT_TAKEN)) {
    if (name in options) throw invalidSsl(`${name} is not taken in ssl_options: ${why}`);
  }
  if (!CERT_REQS.includes(certReqs)) {
    throw invalidSsl(
      `Expected 'none', 'optional' or 'required' for certReqs but received ${inspect(certReqs)}`,
    );
  }
  const hasOther = keyfile === undefined && IDENTITIES.some((name) => name in options);
  if (certfile === undefined && !hasOther) throw invalidSsl('missing key "certfile" in ssl_options');
  if (certfile !== undefined && !existsSync(certfile)) {
    throw invalidSsl(`certfile "${certfile}" does not exist`);
  }
  if (keyfile !== undefined && !existsSync(keyfile)) throw invalidSsl(`keyfile "${keyfile}" does not exist`);
  return options;
}

function invalidSsl(message: string): Error {
  return preforkError('ERR_PREFORK_INVALID_ARG_VALUE', message, { Base: TypeError });
}

function peerAddress({ remoteAddress, remoteFamily, remotePort }: Socket): PeerAddress {
  if (remoteAddress === undefined || remotePort === undefined) return '';
  return { address: remoteAddress, family: remoteFamily ?? 'IPv4', port: remotePort };
}

function isThenable(value: unknown): value is PromiseLike<unknown> {
  return typeof (value as PromiseLike<unknown> | null | undefined)?.then === 'function';
}
