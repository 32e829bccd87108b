/**
 * What already lives on this thread's event loop, and would be shared with a forked child, or done twice.
 *
 * Left out on purpose: timers and immediates (each process has its own), signal listeners, standard input, output and
 * error, IPC channels, message ports, and the inspector.
 */
import { readFileSync, readlinkSync } from 'node:fs';
import { binding, type LoopHandle } from '../base/binding';
import { requestsInFlight } from './in-flight';
import { openingOf, type Traits, tracedHandles, tracedRequests } from './openings';
import { holdersAmong } from './pool-hold';
import { nameOfRequest } from './request-names';
import { areTsxOpening, isTsxConnecting, isTsxPipe } from './tsx';
import { threadsOfTheProgram } from './worker-threads';

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
  /** `file:line:column`, if openings were traced: with `PREFORK_TRACE=1` in the environment when the library is loaded. */
  openedAt?: string;
}

/** The two lists Node keeps but does not type. */
interface ProcessInternals {
  _getActiveHandles(): object[];
  _getActiveRequests(): object[];
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
  const count = requestsInFlight();
  if (count === 0 || areTsxOpening(count)) return [];
  const holders = holdersAmong(count);
  return [...requestsOfTheProgram(count - holders), ...requestsForAChild(holders)];
}

function requestsOfTheProgram(count: number): ActiveThing[] {
  if (count === 0) return [];
  const known = tracedRequests(count) ?? internals._getActiveRequests().slice(-count).map(describeRequest);
  const unknown = count - known.length;
  if (unknown <= 0) return known;
  return [...known, { kind: 'request', detail: `(${unknown} of fs, dns, crypto, zlib or a native package)` }];
}

function requestsForAChild(count: number): ActiveThing[] {
  if (count === 0) return [];
  return [
    {
      kind: 'request',
      detail: `(${count} for a child of inChild(), a Pool or a Process that is being made)`,
    },
  ];
}

function describeRequest(request: object): ActiveThing {
  const { hostname, address, port } = request as Traits;
  const what = hostname ?? (typeof address === 'string' ? `${address}:${port ?? ''}` : '');
  const detail = `${nameOfRequest(className(request))} ${what}`.trim();
  return withOpening({ kind: 'request', detail }, openingOf(request));
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

/** Standard streams, channels between Node processes (the one to our parent, and those to our own children), and tsx's. */
function isPrivate({ fd, passesHandles, type, remote }: LoopHandle): boolean {
  const isTsx = isTsxPipe(remote) || (type === 'pipe' && remote === '' && isTsxConnecting());
  return passesHandles || (fd >= 0 && fd <= 2) || isTsx;
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

function activeWorkers(): ActiveThing[] {
  return threadsOfTheProgram().map((worker) =>
    withOpening({ kind: 'worker', detail: `thread ${worker.threadId}` }, openingOf(worker)),
  );
}

function withOpening(thing: ActiveThing, openedAt: string | undefined): ActiveThing {
  return openedAt === undefined ? thing : { ...thing, openedAt };
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
