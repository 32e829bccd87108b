/** `xheaders`: the client's address and protocol, as the proxies in front tell them. */
import type { IncomingMessage, Server, ServerResponse } from 'node:http';
import type { Socket } from 'node:net';
import { inspect } from 'node:util';
import { invalidValue } from '../base/arguments';
import { invalidType } from '../base/errors';
import { isValidIp } from '../sockets/resolve';

export type Protocol = 'http' | 'https';

/** The options of `HTTPServer` of these names. */
export interface ProxyOptions {
  xheaders?: boolean;
  trustedDownstream?: readonly string[];
  protocol?: Protocol;
}

interface RequestContext {
  remoteIp: string;
  protocol: Protocol;
}

/** What a server makes of its requests' headers. */
interface Beliefs {
  xheaders: boolean;
  trusted: ReadonlySet<string>;
  protocol: Protocol | undefined;
}

/** What the listeners see as their client, while one request on the socket is served. */
interface Disguise {
  original: RequestContext;
  request: IncomingMessage;
}

// Of objects that a fork copies, and with them.
const beliefs = new WeakMap<Server, Beliefs>();
const contexts = new WeakMap<IncomingMessage, RequestContext>();
const disguises = new WeakMap<Socket, Disguise>();

/** Tornado's `request.remote_ip`: the client's address, as the proxies tell it if they are believed; `0.0.0.0` on a Unix socket. */
export function remoteIp(request: IncomingMessage): string {
  return contextOf(request).remoteIp;
}

/** Tornado's `request.protocol`: `http` or `https`, as the proxies tell it if they are believed. */
export function protocol(request: IncomingMessage): Protocol {
  return contextOf(request).protocol;
}

/** From now on this server believes these headers. */
export function believe(
  server: Server,
  { xheaders = false, trustedDownstream = [], protocol }: ProxyOptions,
): void {
  if (!Array.isArray(trustedDownstream)) {
    throw invalidType('trustedDownstream', 'an array of IP addresses', trustedDownstream);
  }
  for (const ip of trustedDownstream) {
    if (typeof ip === 'string' && isValidIp(ip)) continue;
    throw invalidValue(`Expected IP addresses in trustedDownstream but received ${inspect(ip)}`);
  }
  beliefs.set(server, { xheaders, trusted: new Set(trustedDownstream), protocol });
}

function connectionContext(socket: Socket): RequestContext {
  return {
    remoteIp: socket.remoteAddress ?? '0.0.0.0',
    protocol: 'encrypted' in socket && socket.encrypted ? 'https' : 'http',
  };
}

/** Made when it is first asked for: `upgrade`, `connect` and `checkContinue` come without a `request`. */
function contextOf(request: IncomingMessage): RequestContext {
  const present = contexts.get(request);
  if (present !== undefined) return present;
  const { socket } = request as { socket: Socket & { server?: Server } };
  const context = { ...originalContext(socket) };
  const believed = socket.server && beliefs.get(socket.server);
  if (believed?.protocol !== undefined) context.protocol = believed.protocol;
  if (believed?.xheaders === true) applyXheaders(context, request, believed.trusted);
  contexts.set(request, context);
  return context;
}

function originalContext(socket: Socket): RequestContext {
  return disguises.get(socket)?.original ?? connectionContext(socket);
}

/** _HTTPRequestContext._apply_xheaders, and _unapply_xheaders when the answer is out: they are per request. */
export function disguise(request: IncomingMessage, response: ServerResponse): void {
  const { socket } = request;
  const original = originalContext(socket);
  const context = contextOf(request);
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
