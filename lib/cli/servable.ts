/** Serves what a module exports: a server, a request listener, or an app of one of the frameworks. */
import { createServer, type RequestListener } from 'node:http';
import { createRequire } from 'node:module';
import { Server } from 'node:net';
import { networkInterfaces } from 'node:os';
import { preforkError } from '../base/errors';
import type { Bind } from '../manager/settings';

/** Found in a module's exports. */
export interface Servable {
  /** Its name for people. */
  kind: string;
  /** Makes it listen; rejects if it cannot get ready. */
  listen(address: Bind): Promise<void>;
}

/** Methods that tell the frameworks apart. */
interface App {
  listen?: unknown;
  ready?: unknown;
  callback?: unknown;
  fetch?: unknown;
  getHttpServer?: unknown;
}

const NAMES = ['default', 'module.exports', 'app', 'server', 'listener', 'handler'];

/** Returns the first export that can be served; the default export comes first. */
export function findServable(exported: unknown, path: string): Servable | undefined {
  const found = servable(exported, path);
  if (found !== undefined || typeof exported !== 'object' || exported === null) return found;
  const members = NAMES.map((name) => (exported as Record<string, unknown>)[name]);
  const [first] = members.flatMap(
    (member) => servable(member, path) ?? servable(defaultOf(member), path) ?? [],
  );
  return first;
}

/** Compilers to CommonJS turn `export default` into this. */
function defaultOf(member: unknown): unknown {
  return typeof member === 'object' && member !== null && 'default' in member ? member.default : undefined;
}

function servable(value: unknown, path: string): Servable | undefined {
  if ((typeof value !== 'object' && typeof value !== 'function') || value === null) return undefined;
  const app = value as App;
  if (value instanceof Server) return native('server', () => value);
  if (value instanceof Promise) return later(value, path);
  if (isCallable(app.getHttpServer) && isCallable(app.listen)) return nest(app as NestApp);
  if (isCallable(app.ready) && isCallable(app.listen)) return fastify(app as FastifyApp);
  if (isCallable(app.callback)) return native('Koa app', () => createServer((app as KoaApp).callback()));
  if (isCallable(app.fetch))
    return native('Hono app', () => createServer(fetchListener(app as FetchApp, path)));
  if (typeof value === 'function' && !isClass(value)) {
    const kind = isCallable(app.listen) ? 'Express app' : 'request listener';
    return native(kind, () => createServer(value as RequestListener));
  }
  return undefined;
}

function native(kind: string, server: () => Server): Servable {
  return {
    kind,
    async listen(address) {
      server().listen(listenOptions(address));
    },
  };
}

function later(promise: Promise<unknown>, path: string): Servable {
  return {
    kind: 'promise of an app',
    async listen(address) {
      const found = servable(await promise, path);
      if (found === undefined) throw cannotServe('a promise of something else');
      await found.listen(address);
    },
  };
}

interface NestApp {
  listen(port: number | string, host?: string): Promise<unknown>;
}

function nest(app: NestApp): Servable {
  return {
    kind: 'Nest application',
    async listen(address) {
      if (address.kind === 'unix') await app.listen(address.path);
      else if (address.kind === 'fd') throw cannotServe('a Nest application on a descriptor');
      else if (address.host === null) await app.listen(address.port);
      else await app.listen(address.port, address.host);
    },
  };
}

interface FastifyApp {
  listen(options: object): Promise<unknown>;
}

/** By default Fastify listens on localhost only. */
function fastify(app: FastifyApp): Servable {
  return {
    kind: 'Fastify app',
    async listen(address) {
      const everywhere = address.kind === 'tcp' && address.host === null ? { host: anyAddress() } : {};
      await app.listen({ ...listenOptions(address), ...everywhere });
    },
  };
}

function anyAddress(): string {
  const addresses = Object.values(networkInterfaces()).flat();
  return addresses.some((address) => address?.family === 'IPv6') ? '::' : '0.0.0.0';
}

interface KoaApp {
  callback(): RequestListener;
}

interface FetchApp {
  fetch(request: Request): Response | Promise<Response>;
}

/** Uses Hono's own adapter, as the application would. */
function fetchListener(app: FetchApp, path: string): RequestListener {
  const adapter = '@hono/node-server';
  try {
    const { getRequestListener } = createRequire(path)(adapter) as {
      getRequestListener(fetch: FetchApp['fetch']): RequestListener;
    };
    return getRequestListener((request) => app.fetch(request));
  } catch (cause) {
    throw preforkError(
      'ERR_PREFORK_UNSUPPORTED',
      `An app with fetch() needs the package ${adapter}: npm install ${adapter}`,
      { cause },
    );
  }
}

function listenOptions(address: Bind): { port: number; host?: string } | { path: string } | { fd: number } {
  if (address.kind === 'unix') return { path: address.path };
  if (address.kind === 'fd') return { fd: address.fd };
  return address.host === null ? { port: address.port } : { port: address.port, host: address.host };
}

function cannotServe(what: string): Error {
  return preforkError(
    'ERR_PREFORK_INVALID_ARG_TYPE',
    `Expected an http.Server, a request listener, or an app of Express, Fastify, Koa, Hono or Nest, but received ${what}`,
  );
}

function isCallable(value: unknown): boolean {
  return typeof value === 'function';
}

function isClass(value: object): boolean {
  return /^class\b/.test(Function.prototype.toString.call(value));
}
