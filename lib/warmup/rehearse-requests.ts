/** Requests that a process serves to itself before it forks, so that its children begin with what V8 has learned. */
import type { ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import type { IncomingMessage, RequestListener, Server, ServerResponse } from 'node:http';
import type { AddressInfo, Socket } from 'node:net';
import { join } from 'node:path';
import { setImmediate as nextTurn } from 'node:timers/promises';
import { given, integer, object } from '../base/arguments';
import { invalidType, preforkError } from '../base/errors';
import { addSockets, bindSockets } from '../netutil';
import { peerOf } from '../sockets/server-handle';
import type { Order, Word } from './rehearsal-client';

/** What is asked for, and how often. */
export interface RehearseOptions {
  /** Asked for in turn, with GET. Default: `['/']`. */
  paths?: readonly string[];
  /** Of each request, beside `Host: localhost`. Default: none. */
  headers?: Readonly<Record<string, string>>;
  /** How many requests, one after the other. Default: 1000. */
  requests?: number;
  /** How many connections share them, one after the other. Default: 30, or one for each request. */
  connections?: number;
  /** Milliseconds that all of it may take. Default: 30,000. */
  timeout?: number;
}

/** How it went. */
export interface Rehearsal {
  /** How many answers had each status: `{ 200: 1000 }`. */
  statuses: Record<number, number>;
  /** How long it took. */
  milliseconds: number;
}

const DEFAULTS = { paths: ['/'], headers: {}, requests: 1000, timeout: 30_000 };
const CONNECTIONS = 30; // V8 has seen enough sockets after some ten
const LONGEST = 2 ** 31 - 1;

/** What V8 has learned about objects is forgotten with the last of their kind: so every child keeps them, too. */
const kept: unknown[] = [];

/**
 * Has a server of HTTP answer requests in this process, before it forks: what V8 compiles, learns and optimises
 * meanwhile, of the application and of Node's own code, every child begins with. The requests come from a process of
 * their own, over connections of TCP that nobody else can open; the server neither listens nor closes for them.
 *
 * The application does in the parent what a request makes it do: a connection to a database that is opened for the first
 * request has to be closed again before the fork. Wait for the end, then call `warmup()`, or `forkProcesses()` with that
 * option. Some ten connections are needed: until then V8 changes its mind about what a socket is.
 *
 * @param server of node:http or node:https, an `HTTPServer`, or what `http.createServer` takes
 * @throws TypeError (code `ERR_PREFORK_INVALID_ARG_TYPE`), RangeError (code `ERR_PREFORK_OUT_OF_RANGE`) when an argument is
 *   wrong
 * @throws SystemError when there is no socket, or no process, to be had: socket `EMFILE`, spawn `EAGAIN`
 * @throws Error (code `ERR_PREFORK_TIMEOUT`) when there are answers still to come after the time; else what the client
 *   failed with, such as `ECONNRESET` when the application cut it off
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

function check(options: RehearseOptions): Required<RehearseOptions> {
  const known = { ...DEFAULTS, ...given('options', options) };
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

/** Loaded where it is wanted: most who fork serve nothing. */
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

/** Where the server plays: it is given the connections of its one client, and no others. */
class Stage {
  readonly isSecure: boolean;
  readonly #server: Server;
  readonly #connections: number;
  readonly #entrance: Server;
  /** By the client's port: those that have come, and those of which the client has said that they are its own. */
  readonly #came = new Map<number, Socket>();
  readonly #announced = new Map<number, () => void>();
  readonly #sockets: Socket[] = [];
  #served = 0;

  constructor(server: Server, connections: number) {
    this.#server = server;
    this.#connections = connections;
    this.isSecure = server instanceof (require('node:tls') as typeof import('node:tls')).Server;
    // It gives sockets what the server would: V8 remembers of each field what kind of object was in it.
    this.#entrance = http().createServer();
    this.#entrance.removeAllListeners('connection').on('connection', (socket) => this.#enter(socket));
    addSockets(this.#entrance, bindSockets(0, '127.0.0.1'));
  }

  get port(): number {
    return (this.#entrance.address() as AddressInfo).port;
  }

  /** Serves the client's connection from this port, when it is there, and says so. */
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
    // When V8 knows them: in the last connection.
    if (++this.#served >= this.#connections) this.#server.once('request', keep);
    this.#server.emit('connection', socket);
    served();
  }

  /** Resolves when nothing of it is left. No socket is asked to tell: a listener more, and V8 took it for another kind. */
  async close(): Promise<void> {
    this.#server.off('request', keep);
    for (const socket of this.#sockets) socket.destroy();
    this.#entrance.close();
    await once(this.#entrance, 'close');
    await nextTurn(); // what a handle had under way ends with it, in the same turn
  }
}

function keep(request: IncomingMessage, response: ServerResponse): void {
  kept.push(request.socket, request, response);
}

/** Resolves when the client has all its answers; it is gone then, however it ends. */
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

/** Without what this process was started with: a preloaded module would be loaded in the client, too. */
function startClient(): ChildProcess {
  const { fork } = require('node:child_process') as typeof import('node:child_process');
  return fork(join(__dirname, 'rehearsal-client.js'), {
    execArgv: [],
    env: { ...process.env, NODE_OPTIONS: '' },
    stdio: ['ignore', 'ignore', 'inherit', 'ipc'],
  });
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
