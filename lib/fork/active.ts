/**
 * What already lives on this thread's event loop, and would be shared with a forked child, or done twice.
 *
 * Left out on purpose: timers and immediates (each process has its own), signal listeners, standard input, output and
 * error, IPC channels, message ports, and the inspector.
 */
import { createHook } from 'node:async_hooks';
import { subscribe } from 'node:diagnostics_channel';
import { readFileSync, readlinkSync } from 'node:fs';
import { isMainThread, type Worker } from 'node:worker_threads';
import { binding, type LoopHandle } from '../base/binding';

/** What it is: a request of the thread pool or the kernel, a handle by its use, a worker thread. */
export type ActiveKind =
  | 'request'
  | 'socket'
  | 'server'
  | 'pipe'
  | 'child process'
  | 'file watcher'
  | 'worker'
  | 'descriptor';

/** One thing on the loop. */
export interface ActiveThing {
  /** What it is. */
  kind: ActiveKind;
  /** For people: addresses, pid, file, or Node's name of the request. May be empty. */
  detail: string;
  /** `file:line:column`, if the openings were traced (`PREFORK_TRACE=1`, or `traceOpenings()`). */
  openedAt?: string;
}

/** The two lists Node keeps but does not type. */
interface ProcessInternals {
  _getActiveHandles(): object[];
  _getActiveRequests(): object[];
}

/** What a request or a native handle may carry that helps to name it, or to find it again. */
interface Traits {
  fd?: number;
  pid?: number;
  address?: unknown;
  port?: number;
  hostname?: string;
}

const internals = process as unknown as ProcessInternals;

/** Everything on the loop of this thread, referenced or not: requests first, then handles in order of creation. */
export function activeThings(): ActiveThing[] {
  return [...activeRequests(), ...activeHandles(), ...activeWorkers()];
}

/** One line: `server 127.0.0.1:8888, opened at …`. */
export function formatActive({ kind, detail, openedAt }: ActiveThing): string {
  const name = `${kind} ${detail}`.trim();
  return openedAt === undefined ? name : `${name}, opened at ${openedAt}`;
}

/**
 * libuv's count decides: Node's list still holds the request whose callback is running right now (any module that
 * is being loaded has one), before the newer ones, and from Node 26 on it lacks those of `fs`.
 */
export function activeRequests(): ActiveThing[] {
  const count = binding.requests_in_flight();
  if (count === 0) return [];
  const known = internals._getActiveRequests().slice(-count).map(describeRequest);
  const unknown = count - known.length;
  if (unknown <= 0) return known;
  return [...known, { kind: 'request', detail: `(${unknown} of fs, dns, crypto, zlib or a native package)` }];
}

function describeRequest(request: object): ActiveThing {
  const { hostname, address, port } = request as Traits;
  const what = hostname ?? (typeof address === 'string' ? `${address}:${port ?? ''}` : '');
  return withOpening(
    { kind: 'request', detail: `${className(request)} ${what}`.trim() },
    openings.get(request),
  );
}

function activeHandles(): ActiveThing[] {
  const traced = tracedHandles();
  return binding
    .loop_active_handles()
    .filter((handle) => !isPrivate(handle))
    .flatMap((handle) => {
      const described = describeHandle(handle);
      return described === null ? [] : withOpening(described, traced(handle));
    });
}

/** Standard streams, and channels between Node processes: the one to our parent, and those to our own children. */
function isPrivate({ fd, passesHandles }: LoopHandle): boolean {
  return passesHandles || (fd >= 0 && fd <= 2);
}

function describeHandle({ type, fd, pid, listening, path, local, remote }: LoopHandle): ActiveThing | null {
  switch (type) {
    case 'tcp':
    case 'pipe':
    case 'udp':
    case 'poll':
      return describeDescriptor(type, fd, listening, local, remote);
    case 'process':
      return { kind: 'child process', detail: `${commandLine(pid)} (pid ${pid})` };
    case 'fs_event':
    case 'fs_poll':
      return { kind: 'file watcher', detail: path };
    default:
      // async, check, idle, prepare, signal, timer: each process has its own. tty: a standard stream.
      return null;
  }
}

function describeDescriptor(
  type: string,
  fd: number,
  listening: boolean,
  local: string,
  remote: string,
): ActiveThing | null {
  const at = printable(local);
  if (listening) return { kind: 'server', detail: at };
  if (remote !== '' || type === 'tcp') {
    return {
      kind: 'socket',
      detail: `${at === '' ? `fd ${fd}` : at} -> ${printable(remote) || 'connecting'}`,
    };
  }
  if (type === 'udp') return { kind: 'socket', detail: `UDP ${at === '' ? 'not bound' : at}` };
  const target = fd < 0 ? '' : linkOf(fd);
  // A process that is waited for without blocking: fork() takes care of those.
  if (target.includes('pidfd')) return null;
  return { kind: type === 'pipe' ? 'pipe' : 'descriptor', detail: fd < 0 ? '' : `fd ${fd} (${target})` };
}

/** Worker threads are on none of Node's lists; each is announced when it is made. */
function activeWorkers(): ActiveThing[] {
  return [...workers].map((worker) =>
    withOpening({ kind: 'worker', detail: `thread ${worker.threadId}` }, openings.get(worker)),
  );
}

/** Whether JavaScript runs in another thread than this one: in a worker, or, if this is one, in the main thread. */
export function hasOtherThreads(): boolean {
  return workers.size > 0 || !isMainThread;
}

const workers = new Set<Worker>();

subscribe('worker_threads', (message) => {
  const { worker } = message as { worker: Worker };
  workers.add(worker);
  worker.once('exit', () => workers.delete(worker));
  if (tracing) rememberOpening(worker);
});

// --- Where it was opened ---

let tracing = false;
const openings = new WeakMap<object, string>();
/** The native handles, in order of creation. */
const tracedResources: { type: string; resource: WeakRef<object> }[] = [];

const BORING = new Set(['PROMISE', 'TickObject', 'Timeout', 'Immediate', 'Microtask', 'TIMERWRAP']);
const WATCHERS: Partial<Record<string, string>> = { fs_event: 'FSEVENTWRAP', fs_poll: 'STATWATCHER' };

/**
 * From now on remembers where every handle and request was opened: `openedAt`. It costs a stack trace for each, so it
 * is off unless the environment has `PREFORK_TRACE=1` when the library is loaded, or this is called.
 */
export function traceOpenings(): void {
  if (tracing) return;
  tracing = true;
  createHook({
    init(_asyncId, type, _trigger, resource) {
      if (BORING.has(type)) return;
      rememberOpening(resource);
      tracedResources.push({ type, resource: new WeakRef(resource) });
    },
  }).enable();
}

if (process.env['PREFORK_TRACE'] === '1') traceOpenings();

/** Finds the place for libuv's handles, in their order: by descriptor, by pid, and for watchers by their order. */
function tracedHandles(): (handle: LoopHandle) => string | undefined {
  const alive = tracedResources.flatMap(({ type, resource }) => {
    const object = resource.deref();
    return object === undefined ? [] : [{ type, object: object as Traits }];
  });
  return ({ type, fd, pid }) => {
    const index = alive.findIndex(({ type: traced, object }) =>
      type in WATCHERS
        ? traced === WATCHERS[type]
        : pid > 0
          ? object.pid === pid
          : fd >= 0 && object.fd === fd,
    );
    const [found] = index < 0 ? [] : alive.splice(index, 1);
    return found === undefined ? undefined : openings.get(found.object);
  };
}

function rememberOpening(resource: object): void {
  const where = firstOutsideNode();
  if (where !== undefined) openings.set(resource, where);
}

function withOpening(thing: ActiveThing, openedAt: string | undefined): ActiveThing {
  return openedAt === undefined ? thing : { ...thing, openedAt };
}

/** The first line of the stack that is neither Node's nor ours. */
function firstOutsideNode(): string | undefined {
  for (const line of (new Error().stack ?? '').split('\n').slice(1)) {
    const [, where] = /(?:\(|at )((?:file:|\/)[^()]*:\d+:\d+)\)?$/.exec(line) ?? [];
    if (where !== undefined && !where.includes(__filename)) return where;
  }
  return undefined;
}

// --- Small change ---

function className(value: object): string {
  return value.constructor?.name ?? 'Object';
}

/** Abstract names begin with NUL; ss and netstat write an @. */
function printable(path: string): string {
  return path.replace(/\0+$/, '').replaceAll('\0', '@');
}

function linkOf(fd: number): string {
  return attempt(() => readlinkSync(`/proc/thread-self/fd/${fd}`));
}

function commandLine(pid: number): string {
  return attempt(() => readFileSync(`/proc/${pid}/cmdline`, 'utf8').split('\0').join(' ').trim());
}

/** Descriptors and processes come and go while they are looked at, and /proc may be missing. */
function attempt(read: () => string): string {
  try {
    return read();
  } catch {
    return '';
  }
}
