/** A process sends itself requests before it forks, so that its children begin with what V8 learned from them. */
import type { ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import type { IncomingMessage, RequestListener, Server, ServerResponse } from 'node:http';
import type { AddressInfo, Socket } from 'node:net';
import { join } from 'node:path';
import { setImmediate as nextTurn } from 'node:timers/promises';
import { given, integer, object } from '../base/arguments';
import { invalidType, preforkError } from '../base/errors';
import { knownOptions } from '../base/option-names';
import { spawnApart } from '../base/spawn-apart';
import { addSockets, bindSockets } from '../netutil';
import { peerOf } from '../sockets/server-handle';
import type { Order, Word } from './rehearsal-client';

/** Options of `rehearse()`. */
export interface RehearseOptions {
  /** Paths to request in turn, with GET. Default: `['/']`. */
  paths?: readonly string[];
  /** Headers of each request, beside `Host: localhost`. Default: none. */
  headers?: Readonly<Record<string, string>>;
  /** Number of requests, one after the other. Default: 1000. */
  requests?: number;
  /** Number of connections that share them, one after the other. Default: 30, at most one per request. */
  connections?: number;
  /** Time limit for all of it, in milliseconds. Default: 30,000. */
  timeout?: number;
}

/** Result of `rehearse()`. */
export interface Rehearsal {
  /** Number of answers by status: `{ 200: 1000 }`. */
  statuses: Record<number, number>;
  /** Duration. */
  milliseconds: number;
}

const DEFAULTS = { paths: ['/'], headers: {}, requests: 1000, timeout: 30_000 };
const CONNECTIONS = 30; // V8 has seen enough sockets after about ten
const LONGEST = 2 ** 31 - 1;

/** V8 forgets what it learned about objects with the last of their kind, so every child keeps some, too. */
const kept: unknown[] = [];

/**
 * Lets an HTTP server answer requests in this process before it forks. Every child begins with what V8 compiles, learns
 * and optimises meanwhile, in the application and in Node's own code. The requests come from another process, over TCP
 * connections that nobody else can open; the server itself neither listens nor closes.
 *
 * The application does in the parent whatever a request makes it do: if the first request opens a connection to a
 * database, close it before the fork. Await the result, then call `warmup()`, or `forkProcesses()` with that option. Use
 * at least ten connections: until then V8 changes its mind about what a socket is.
 *
 * @param server a server of node:http or node:https, an `HTTPServer`, or whatever `http.createServer` takes
 * @throws TypeError (code `ERR_PREFORK_INVALID_ARG_TYPE`), RangeError (code `ERR_PREFORK_OUT_OF_RANGE`) if an argument is
 *   wrong
 * @throws SystemError if no socket or process is available: socket `EMFILE`, spawn `EAGAIN`
 * @throws Error (code `ERR_PREFORK_TIMEOUT`) if answers are missing after `timeout`; otherwise the client's error, such as
 *   `ECONNRESET` if the application closes the connection
 */
export async function rehearse(
  server: Server | { readonly nodeServer: Server } | RequestListener,
  options: RehearseOptions = {},
): Promise<Rehearsal> {
  const checked = check(options);
  const stage = new Stage(toServer(server), checked.connections);
  const started = performance.now();
  try {
    const statuses = await ask(stage, checked);
    return { statuses, milliseconds: performance.now() - started };
  } finally {
    await stage.close();
  }
}

const REHEARSE_OPTIONS = [
  'paths',
  'headers',
  'requests',
  'connections',
  'timeout',
] as const satisfies readonly (keyof RehearseOptions)[];

function check(options: RehearseOptions): Required<RehearseOptions> {
  const chosen = given('options', options);
  knownOptions('options', chosen, REHEARSE_OPTIONS);
  const known = { ...DEFAULTS, ...chosen };
  const checked = { connections: Math.min(CONNECTIONS, known.requests), ...known };
  const { paths, headers } = checked;
  if (!Array.isArray(paths) || paths.length === 0 || !paths.every(isPath)) {
    throw invalidType('options.paths', "an array of paths that begin with '/'", paths);
  }
  object('options.headers', headers);
  integer('options.requests', checked.requests, 1, Number.MAX_SAFE_INTEGER);
  integer('options.connections', checked.connections, 1, checked.requests);
  integer('options.timeout', checked.timeout, 1, LONGEST);
  return checked;
}

function isPath(path: unknown): boolean {
  return typeof path === 'string' && path.startsWith('/');
}

/** Loaded on demand: most programs that fork serve nothing. */
const http = (): typeof import('node:http') => require('node:http');

export function isHttpServer(server: unknown): server is Server {
  const https = require('node:https') as typeof import('node:https');
  return server instanceof http().Server || server instanceof https.Server;
}

function toServer(server: Server | { readonly nodeServer: Server } | RequestListener): Server {
  if (typeof server === 'function') return http().createServer(server);
  const { nodeServer = server } = (server ?? {}) as { nodeServer?: unknown };
  if (isHttpServer(nodeServer)) return nodeServer;
  throw invalidType('server', 'an http.Server, https.Server, HTTPServer or request listener', server);
}

/** Where the server performs: it gets the connections of its one client, and no others. */
class Stage {
  readonly isSecure: boolean;
  readonly #server: Server;
  readonly #connections: number;
  readonly #entrance: Server;
  /** By the client's port: connections that have arrived, and those that the client has announced as its own. */
  readonly #came = new Map<number, Socket>();
  readonly #announced = new Map<number, () => void>();
  readonly #sockets: Socket[] = [];
  #served = 0;

  constructor(server: Server, connections: number) {
    this.#server = server;
    this.#connections = connections;
    this.isSecure = server instanceof (require('node:tls') as typeof import('node:tls')).Server;
    // It gives sockets the same fields as the server would: V8 remembers what kind of object each field held.
    this.#entrance = http().createServer();
    this.#entrance.removeAllListeners('connection').on('connection', (socket) => this.#enter(socket));
    addSockets(this.#entrance, bindSockets(0, '127.0.0.1'));
  }

  get port(): number {
    return (this.#entrance.address() as AddressInfo).port;
  }

  /** Serves the client's connection from this port once it arrives, and calls `served`. */
  admit(port: number, served: () => void): void {
    this.#announced.set(port, served);
    this.#match(port);
  }

  #enter(socket: Socket): void {
    this.#sockets.push(socket);
    const { address, port } = peerOf(socket);
    if (address !== '127.0.0.1' || port === undefined) return void socket.destroy();
    this.#came.set(port, socket);
    this.#match(port);
  }

  #match(port: number): void {
    const socket = this.#came.get(port);
    const served = this.#announced.get(port);
    if (socket === undefined || served === undefined) return;
    this.#came.delete(port);
    this.#announced.delete(port);
    // In the last connection, when V8 knows them.
    if (++this.#served >= this.#connections) this.#server.once('request', keep);
    this.#server.emit('connection', socket);
    served();
  }

  /** Resolves when nothing is left. It adds no listener to sockets: with one more, V8 would take them for another kind. */
  async close(): Promise<void> {
    this.#server.off('request', keep);
    for (const socket of this.#sockets) socket.destroy();
    this.#entrance.close();
    await once(this.#entrance, 'close');
    // Work under way on a handle ends where the loop closes handles: after the immediates of this turn.
    await nextTurn();
    await nextTurn();
  }
}

function keep(request: IncomingMessage, response: ServerResponse): void {
  kept.push(request.socket, request, response);
}

/** Resolves once the client has all its answers; the client has ended then, in every case. */
async function ask(stage: Stage, options: Required<RehearseOptions>): Promise<Record<number, number>> {
  const { timeout, ...rest } = options;
  const client = startClient();
  const gone = new Promise((resolve) => client.once('exit', resolve).once('error', resolve));
  const late = AbortSignal.timeout(timeout);
  try {
    return await answers(client, stage, { ...rest, port: stage.port, secure: stage.isSecure }, late);
  } catch (error) {
    throw late.aborted ? tooLate(options) : error;
  } finally {
    client.kill('SIGKILL');
    if (client.connected) client.disconnect();
    await gone;
  }
}

/**
 * Without this process's options: the client must not load a preloaded module, too. Signals for this process's group, such as
 * SIGUSR1 to reopen log files, would end the client or open an inspector while Node starts.
 */
function startClient(): ChildProcess {
  const { fork } = require('node:child_process') as typeof import('node:child_process');
  return spawnApart(() =>
    fork(join(__dirname, 'rehearsal-client.js'), {
      execArgv: [],
      env: { ...process.env, NODE_OPTIONS: '' },
      detached: true,
      stdio: ['ignore', 'ignore', 'inherit', 'ipc'],
    }),
  );
}

function answers(
  client: ChildProcess,
  stage: Stage,
  order: Order,
  late: AbortSignal,
): Promise<Record<number, number>> {
  return new Promise((resolve, reject) => {
    late.addEventListener('abort', () => reject(late.reason));
    client.on('error', reject).on('exit', (code, signal) => {
      reject(new Error(`The client of the rehearsal has ended with ${code ?? signal}`));
    });
    client.on('message', (word: Word) => {
      if ('opened' in word) stage.admit(word.opened, () => client.send('served'));
      else if ('statuses' in word) resolve(word.statuses);
      else reject(Object.assign(new Error(word.failed), word.code === undefined ? {} : { code: word.code }));
    });
    if (client.connected) client.send(order); // without descriptors for it there is no channel, only the error to come
  });
}

function tooLate({ requests, timeout }: Required<RehearseOptions>): Error {
  return preforkError(
    'ERR_PREFORK_TIMEOUT',
    `The server has not answered the ${requests} requests of its rehearsal within ${timeout} ms`,
  );
}
