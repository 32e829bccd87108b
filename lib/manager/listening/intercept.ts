/** What becomes of an unmodified application's `server.listen()`. */
import { Server } from 'node:net';
import type { ListeningSocket } from '../../sockets/listening-socket';
import { ownedSockets, serve } from '../../sockets/server-handle';
import type { Bind } from '../settings';
import type { Call } from './call';
import { noteListening, probe, type TryPort } from './probe';

interface ListenOptions {
  port?: unknown;
  host?: unknown;
  path?: unknown;
  fd?: unknown;
  backlog?: unknown;
  ipv6Only?: unknown;
  readableAll?: unknown;
  writableAll?: unknown;
  exclusive?: unknown;
  signal?: AbortSignal;
}

const originalListen = Server.prototype.listen as (this: Server, ...parameters: unknown[]) => Server;

/**
 * From now on `take` gets every call of `listen` but those of probes; what it answers false to goes to Node. `tryPort` says
 * what a probe finds.
 */
export function interceptListen(take: (call: Call) => boolean, tryPort: TryPort): void {
  const takeInEarnest = (call: Call) => {
    noteListening(call);
    return take(call);
  };
  Server.prototype.listen = function listen(this: Server, ...parameters: unknown[]): Server {
    const callback = parameters.at(-1);
    const call = { server: this, ...understand(parameters), parameters, told: [] };
    // Node's to refuse.
    if (this.listening || call.bind === null) return originalListen.apply(this, parameters);
    const isDone = probe(call, tryPort, takeInEarnest) || takeInEarnest(call);
    if (!isDone) return originalListen.apply(this, parameters);
    if (typeof callback === 'function') this.once('listening', callback as () => void);
    return this;
  } as Server['listen'];
}

/** At the next 'listening' those are not called; afterwards they are the server's again. */
function passOver(server: Server, listeners: Call['told']): void {
  for (const listener of listeners) server.off('listening', listener);
  server.once('listening', () => {
    for (const listener of listeners) server.on('listening', listener);
  });
}

/**
 * Has the server listen on sockets that are bound already; 'listening' comes in the next tick, as always, unless the server
 * has heard that already.
 */
export function listenOn({ server, bind, signal, told }: Call, sockets: readonly ListeningSocket[]): void {
  const [first, ...others] = sockets;
  if (first === undefined) return;
  if (told.length > 0) passOver(server, told);
  if (others.length > 0 || ownedSockets(server) !== undefined) {
    serve(server, sockets);
    signal?.addEventListener('abort', () => server.close(), { once: true });
    return;
  }
  const backlog = bind !== null && bind.kind !== 'fd' ? bind.backlog : undefined;
  // For a descriptor Node takes the backlog from beside the options only, and sets it anew.
  originalListen.call(server, { fd: first.fd, ...(signal === undefined ? {} : { signal }) }, backlog);
  const name = first.address();
  // Node does not ask a Unix socket that it was given for its name.
  if (typeof name === 'string') Object.assign(server, { _pipeName: name });
}

// --- The forms that net.Server.listen takes (lib/net.js, normalizeArgs) ---

/** What a call of `listen` asks for. */
export function understand(parameters: unknown[]): Pick<Call, 'bind' | 'signal' | 'isExclusive'> {
  const usual = { signal: undefined, isExclusive: false };
  const [first, second] = parameters;
  if (first !== null && typeof first === 'object') {
    const options = first as ListenOptions;
    return { bind: bindOf(options), signal: options.signal, isExclusive: options.exclusive === true };
  }
  const backlog = parameters.find((each, index) => index > 0 && typeof each === 'number');
  if (isPath(first)) return { ...usual, bind: bindOf({ path: first, backlog }) };
  const host = typeof second === 'string' ? second : undefined;
  const port = typeof first === 'function' ? undefined : first;
  return { ...usual, bind: bindOf({ port: port ?? 0, host, backlog }) };
}

function isPath(value: unknown): value is string {
  return typeof value === 'string' && !(Number(value) >= 0);
}

function bindOf({
  port,
  host,
  path,
  fd,
  backlog,
  ipv6Only,
  readableAll,
  writableAll,
}: ListenOptions): Bind | null {
  const queue = typeof backlog === 'number' ? { backlog } : {};
  if (typeof fd === 'number' && fd >= 0) return { kind: 'fd', fd };
  if (isPort(port)) {
    const name = typeof host === 'string' && host !== '' ? host : null;
    return { kind: 'tcp', port: Number(port), host: name, ipv6Only: ipv6Only === true, ...queue };
  }
  if (typeof path !== 'string') return null;
  const open = (readableAll === true ? 0o444 : 0) | (writableAll === true ? 0o222 : 0);
  return { kind: 'unix', path, ...queue, ...(open === 0 ? {} : { mode: (0o777 & ~process.umask()) | open }) };
}

/** Node refuses anything else, in its own words. */
function isPort(value: unknown): boolean {
  if (typeof value !== 'number' && (typeof value !== 'string' || value.trim() === '')) return false;
  return Number.isInteger(Number(value)) && Number(value) >= 0 && Number(value) <= 65535;
}
