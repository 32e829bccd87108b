/**
 * What `npx tsx` and `node --import tsx` have going while the program is being loaded, and why a fork may pass it by.
 *
 * tsx writes what it has compiled into a cache, by a promise that nobody waits for. A fork at the top level of a file
 * comes while the cache of that very file is being opened. Parent and child would both write it, one after the other: so
 * the child writes to nowhere. Node 26 opens, writes and closes a file in one request, which nothing tells from others.
 *
 * And it has a connection to the process that was started first, which it tells about signals: each message is one
 * small write, so that those of several processes do not mix.
 */
import { closeSync, openSync, readdirSync, readlinkSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { binding } from '../base/binding';
import { check } from '../base/errors';

/** temporary-directory.mjs of tsx. */
function folder(): string {
  return join(tmpdir(), `tsx-${process.geteuid?.() ?? ''}`);
}

function isLoaded(): boolean {
  return [...process.execArgv, process.env['NODE_OPTIONS'] ?? ''].some((each) => /\btsx\b/.test(each));
}

function target(fd: string): string {
  try {
    return readlinkSync(`/proc/self/fd/${fd}`);
  } catch {
    return ''; // the one by which the folder was read
  }
}

/** The descriptors of files in the cache, by the names that FileCache.set() of tsx gives them. */
function openInCache(): number[] {
  const isCached = (path: string) => path.startsWith(`${folder()}/`) && /\/\d+-[^-/]+$/.test(path);
  return readdirSync('/proc/self/fd')
    .filter((fd) => isCached(target(fd)))
    .map(Number);
}

/** Milliseconds; only who would be refused otherwise waits so long. */
const PATIENCE = 2000;

function pause(): void {
  Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 1);
}

/** The list that Node keeps but does not type. */
interface ProcessInternals {
  _getActiveRequests(): { address?: unknown }[];
}

/** On newer Nodes the connection is still being made when the program begins. */
function connectionsBeingMade(): number {
  const requests = (process as unknown as ProcessInternals)._getActiveRequests();
  return requests.filter(({ address }) => typeof address === 'string' && isTsxPipe(address)).length;
}

/**
 * Whether all requests in flight are tsx opening files of its cache, or connecting. A thread of the pool opens each file
 * while this one waits, and the event loop has not heard of it yet: so each of these requests is one open file.
 */
export function areTsxOpening(inFlight: number): boolean {
  if (!isLoaded()) return false;
  const requests = inFlight - connectionsBeingMade();
  const end = performance.now() + PATIENCE;
  while (openInCache().length < requests) {
    if (performance.now() > end) return false;
    pause();
  }
  return openInCache().length === requests;
}

/** What to do where a fork is refused, and it may be for such a request. */
export function adviceForTsx(): string {
  const isOpaque = Number(process.versions.node.split('.')[0]) >= 26;
  return isOpaque && isLoaded() ? '. Or start with TSX_DISABLE_CACHE=1, if it is the cache of tsx' : '';
}

/** In the child: what tsx will write there is the parent's to write. */
export function leaveCacheToParent(): void {
  const fds = openInCache();
  const nowhere = openSync('/dev/null', 'w');
  for (const fd of fds) check(binding.process_dup2(nowhere, fd, false), 'dup2');
  closeSync(nowhere);
}

/** Where tsx's connection is still being made, its handle has no other end yet. */
export function isTsxConnecting(): boolean {
  return isLoaded() && connectionsBeingMade() > 0;
}

/** Whether this is the other end of tsx's own connection. */
export function isTsxPipe(path: string): boolean {
  return path.startsWith(`${folder()}/`) && path.endsWith('.pipe');
}
