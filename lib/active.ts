/**
 * What already lives on this thread's event loop, and would be shared with, or done twice by, a forked child.
 *
 * Left out on purpose: timers and immediates (each process has its own), standard input, output and error, the IPC
 * channel to a parent, a worker thread's own port, and the inspector.
 */
import { createHook } from 'node:async_hooks';
import { ChildProcess } from 'node:child_process';
import { readdirSync, readFileSync, readlinkSync } from 'node:fs';
import { url as inspectorUrl } from 'node:inspector';
import { Server, Socket } from 'node:net';
import { MessagePort, parentPort } from 'node:worker_threads';
import { binding } from './binding';

export type ActiveKind =
  | 'request'
  | 'socket'
  | 'server'
  | 'pipe'
  | 'child process'
  | 'file watcher'
  | 'worker'
  | 'handle';

/** One thing on the loop. */
export interface ActiveThing {
  kind: ActiveKind;
  /** Node's name of the resource, as in `process.getActiveResourcesInfo()`, or the class of the object. */
  type: string;
  /** For people: addresses, pid, file. May be empty. */
  detail: string;
  /** `file:line:column`, if the openings were traced (`PREFORK_TRACE=1`, or `traceOpenings()`). */
  openedAt?: string;
}

/** The two lists Node keeps but does not type. */
interface ProcessInternals {
  _getActiveHandles(): object[];
  _getActiveRequests(): object[];
}

/** Whatever a handle or a request may carry that helps to name it. */
interface Traits {
  fd?: number;
  pid?: number;
  spawnfile?: string;
  address?: unknown;
  port?: number;
  hostname?: string;
  filename?: string;
  _handle?: Traits | null;
}

const internals = process as unknown as ProcessInternals;

/**
 * Everything on the loop of this thread, requests first.
 * Handles that were unreferenced are missing from Node's list; connected TCP sockets among them (idle connections of
 * an HTTP agent or of a database pool, usually) are found by their descriptors instead.
 */
export function activeThings(): ActiveThing[] {
  const handles = internals._getActiveHandles().filter((handle) => !isPrivate(handle));
  return [...activeRequests(), ...handles.map(describeHandle), ...unreferencedConnections()];
}

/** One line: `server 127.0.0.1:8888 (TCP), opened at …`. */
export function formatActive({ kind, type, detail, openedAt }: ActiveThing): string {
  const name = detail === '' ? `${kind} (${type})` : `${kind} ${detail} (${type})`;
  return openedAt === undefined ? name : `${name}, opened at ${openedAt}`;
}

// --- Requests ---

/**
 * libuv's own count decides: Node's list still holds the request whose callback is running right now (and with it
 * every module that is being loaded), and from Node 26 on it lacks those of `fs`.
 */
function activeRequests(): ActiveThing[] {
  const count = binding.active_requests();
  const known = internals._getActiveRequests().slice(0, count).map(describeRequest);
  const unknown = count - known.length;
  if (unknown <= 0) return known;
  const detail = `${unknown} ${unknown === 1 ? 'operation' : 'operations'} of the thread pool`;
  return [...known, { kind: 'request', type: 'fs, dns, crypto, zlib or a native package', detail }];
}

function describeRequest(request: object): ActiveThing {
  const { hostname, address, port } = request as Traits;
  const detail = hostname ?? (typeof address === 'string' ? place(address, port) : '');
  return opened(request, { kind: 'request', type: className(request), detail });
}

// --- Handles ---

function describeHandle(handle: object): ActiveThing {
  return opened(handle, { type: className(handle), ...kindOf(handle) });
}

function kindOf(handle: object): { kind: ActiveKind; type?: string; detail: string } {
  const type = className(inner(handle) ?? handle);
  if (handle instanceof ChildProcess) return { kind: 'child process', detail: describeChild(handle) };
  if (handle instanceof Server) return { kind: 'server', type, detail: describeServer(handle) };
  if (handle instanceof Socket) {
    return { kind: type === 'Pipe' ? 'pipe' : 'socket', type, detail: describeSocket(handle) };
  }
  if (handle instanceof MessagePort) return { kind: 'worker', detail: 'a worker thread or its port' };
  if (type === 'FSEvent' || type === 'StatWatcher') return { kind: 'file watcher', type, detail: '' };
  if (type === 'Pipe') return { kind: 'pipe', detail: '' };
  if (type === 'Socket') return { kind: 'socket', type: 'UDP', detail: describeDatagram(handle as Traits) };
  return { kind: 'handle', detail: '' };
}

function describeChild(child: ChildProcess): string {
  return `${child.spawnfile} pid ${child.pid ?? '?'}`;
}

function describeServer(server: Server): string {
  const address = server.address();
  if (address === null) return '';
  return typeof address === 'string' ? printable(address) : place(address.address, address.port);
}

function describeSocket(socket: Socket): string {
  if (socket.remoteAddress === undefined) return socket.connecting ? 'connecting' : descriptor(socket);
  const local = place(socket.localAddress ?? '?', socket.localPort);
  return `${local} -> ${place(socket.remoteAddress, socket.remotePort)}`;
}

function descriptor(handle: object): string {
  const fd = inner(handle)?.fd;
  return fd === undefined || fd < 0 ? '' : `fd ${fd}`;
}

function describeDatagram(socket: Traits): string {
  if (typeof socket.address !== 'function') return '';
  try {
    const { address, port } = socket.address.call(socket) as { address: string; port: number };
    return place(address, port);
  } catch {
    return 'not bound';
  }
}

/** Standard streams, the IPC channel, and in a worker thread the port to its parent. */
function isPrivate(handle: object): boolean {
  if (handle === parentPort) return true;
  const { fd = inner(handle)?.fd } = handle as Traits;
  if (fd !== undefined && fd >= 0 && fd <= 2) return true;
  return isChannel(handle);
}

/** The channel is the only pipe that Node lists bare, without a socket around it, and it has these two fields. */
function isChannel(handle: object): boolean {
  return className(handle) === 'Pipe' && 'pendingHandle' in handle && 'sockets' in handle;
}

/** The native handle behind one of Node's objects. (dgram has a deprecated getter of that name: own fields only.) */
function inner(handle: object): Traits | undefined {
  return Object.hasOwn(handle, '_handle') ? ((handle as Traits)._handle ?? undefined) : undefined;
}

// --- Connections that Node does not list ---

const O_CLOEXEC = 0o2000000;
const ESTABLISHED = '01';

/** Connected TCP sockets that this process opened (close-on-exec tells) and that Node's list lacks. Linux only. */
function unreferencedConnections(): ActiveThing[] {
  const listed = new Set(internals._getActiveHandles().map((handle) => inner(handle)?.fd));
  const unlisted = openSockets().filter(({ fd }) => fd > 2 && !listed.has(fd));
  if (unlisted.length === 0) return [];
  const connections = establishedConnections();
  return unlisted.flatMap(({ fd, inode }) => {
    const connection = connections.get(inode);
    if (connection === undefined || connection.startsWith(`${inspectorPlace()} `)) return [];
    return { kind: 'socket' as const, type: 'TCP, unreferenced', detail: `${connection}, fd ${fd}` };
  });
}

function openSockets(): { fd: number; inode: string }[] {
  return list('/proc/self/fd').flatMap((fd) => {
    const [, inode] = /^socket:\[(\d+)\]$/.exec(attempt(() => readlinkSync(`/proc/self/fd/${fd}`), '')) ?? [];
    if (inode === undefined) return [];
    const info = attempt(() => readFileSync(`/proc/self/fdinfo/${fd}`, 'latin1'), '');
    const flags = Number.parseInt(/^flags:\s*([0-7]+)/m.exec(info)?.[1] ?? '0', 8);
    return (flags & O_CLOEXEC) === 0 ? [] : { fd: Number(fd), inode };
  });
}

/** By inode: `local -> remote`, from the kernel's table of this network namespace. */
function establishedConnections(): Map<string, string> {
  const found = new Map<string, string>();
  for (const table of ['/proc/self/net/tcp', '/proc/self/net/tcp6']) {
    for (const line of attempt(() => readFileSync(table, 'latin1'), '')
      .split('\n')
      .slice(1)) {
      const [, local = '', remote = '', state, , , , , , inode] = line.trim().split(/\s+/);
      if (state === ESTABLISHED && inode) found.set(inode, `${kernelPlace(local)} -> ${kernelPlace(remote)}`);
    }
  }
  return found;
}

/** `0100007F:1F90` is 127.0.0.1:8080: words in the byte order of the machine, little-endian on all we support. */
function kernelPlace(text: string): string {
  const [hex = '', port = '0'] = text.split(':');
  const bytes = (hex.match(/.{8}/g) ?? []).flatMap((word) => [...Buffer.from(word, 'hex').reverse()]);
  const address = bytes.length === 4 ? bytes.join('.') : ipv6(bytes);
  return place(address, Number.parseInt(port, 16));
}

function ipv6(bytes: number[]): string {
  const isMapped = bytes.slice(0, 10).every((byte) => byte === 0) && bytes[10] === 255 && bytes[11] === 255;
  if (isMapped) return bytes.slice(12).join('.');
  const words = Array.from({ length: 8 }, (_, i) => ((bytes[2 * i] ?? 0) << 8) | (bytes[2 * i + 1] ?? 0));
  return words
    .map((word) => word.toString(16))
    .join(':')
    .replace(/(^|:)0(:0)+(:|$)/, '::');
}

function inspectorPlace(): string | undefined {
  const url = inspectorUrl();
  return url === undefined ? undefined : new URL(url).host;
}

// --- Where it was opened ---

const openings = new WeakMap<object, string>();
let tracing = false;

/**
 * From now on remembers where every handle and request was opened: `openedAt`. It costs a stack trace for each, so it
 * is off unless the environment has `PREFORK_TRACE=1` when the library is loaded, or this is called.
 */
export function traceOpenings(): void {
  if (tracing) return;
  tracing = true;
  createHook({
    init(_asyncId, type, _trigger, resource) {
      if (type === 'PROMISE' || type === 'TickObject' || type === 'Timeout' || type === 'Immediate') return;
      const where = firstOutsideNode();
      if (where !== undefined) openings.set(resource, where);
    },
  }).enable();
}

if (process.env['PREFORK_TRACE'] === '1') traceOpenings();

function opened(owner: object, thing: ActiveThing): ActiveThing {
  const openedAt = openings.get(inner(owner) ?? owner) ?? openings.get(owner);
  return openedAt === undefined ? thing : { ...thing, openedAt };
}

function firstOutsideNode(): string | undefined {
  const lines = (new Error().stack ?? '').split('\n').slice(1);
  const line = lines.find((text) => !text.includes('node:') && !text.includes(__filename));
  return line === undefined
    ? undefined
    : (/\(?((?:file:|\/)[^()]*:\d+:\d+)\)?$/.exec(line)?.[1] ?? undefined);
}

// --- Small change ---

function className(value: object): string {
  return value.constructor?.name ?? 'Object';
}

function place(address: string, port: number | undefined): string {
  const host = address.includes(':') ? `[${address}]` : printable(address);
  return port === undefined ? host : `${host}:${port}`;
}

function printable(path: string): string {
  return path.replaceAll('\0', '@');
}

function list(directory: string): string[] {
  return attempt(() => readdirSync(directory), []);
}

/** Descriptors come and go while they are looked at, and /proc may be missing. */
function attempt<T>(read: () => T, otherwise: T): T {
  try {
    return read();
  } catch {
    return otherwise;
  }
}
