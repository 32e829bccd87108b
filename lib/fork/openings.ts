/** Where each thing on the event loop was opened, for those who ask for it. */
import { createHook } from 'node:async_hooks';
import { subscribe } from 'node:diagnostics_channel';
import { join, sep } from 'node:path';
import type { Worker } from 'node:worker_threads';
import type { LoopHandle } from '../base/binding';
import { isRequest, nameOfRequest } from './request-names';

/** What a request or a native handle may carry that helps to name it, or to find it again. */
export interface Traits {
  fd?: number;
  pid?: number;
  address?: unknown;
  port?: number;
  hostname?: string;
}

/** Where this library's own files are. */
const OURS = join(__dirname, '..', sep);

/** The first line of the stack that is neither Node's nor ours. */
function firstOutsideNode(): string | undefined {
  for (const line of (new Error().stack ?? '').split('\n').slice(1)) {
    const [, where] = /(?:\(|at )((?:file:|\/)[^()]*:\d+:\d+)\)?$/.exec(line) ?? [];
    if (where !== undefined && !where.includes(OURS)) return where;
  }
  return undefined;
}

/** Once on, it stays on, in children too: they go on with what their parent knows of the handles that they inherit. */
let tracing = false;
const openings = new WeakMap<object, string>();
/** The native handles that still are, by the ids of async_hooks, in order of creation. */
const tracedResources = new Map<number, { type: string; resource: WeakRef<object> }>();

interface TracedRequest {
  kind: 'request';
  detail: string;
  openedAt?: string;
}
/** By the ids of async_hooks, oldest first. */
const pending = new Map<number, { request: TracedRequest; resource: WeakRef<object> }>();

/** A job of crypto's that was done at once, for a caller that waits, is never said to have come back. */
function wasDoneAtOnce(resource: object | undefined): boolean {
  return resource === undefined || (resource.constructor.name.endsWith('Job') && !('ondone' in resource));
}

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
    init(asyncId, type, _trigger, resource) {
      if (BORING.has(type)) return;
      if (isRequest(type)) rememberRequest(asyncId, resource);
      rememberOpening(resource);
      tracedResources.set(asyncId, { type, resource: new WeakRef(resource) });
    },
    before: (asyncId) => pending.delete(asyncId),
    destroy(asyncId) {
      pending.delete(asyncId);
      tracedResources.delete(asyncId);
    },
  }).enable();
  subscribe('worker_threads', (message) => rememberOpening((message as { worker: Worker }).worker));
}

function rememberRequest(asyncId: number, resource: object): void {
  const openedAt = firstOutsideNode();
  const request = {
    kind: 'request',
    detail: callIntoNode() ?? nameOfRequest(resource.constructor.name),
  } as const;
  pending.set(asyncId, {
    request: openedAt === undefined ? request : { ...request, openedAt },
    resource: new WeakRef(resource),
  });
}

/** Finds the place for libuv's handles, in their order: by descriptor, by pid, and for watchers by their order. */
export function tracedHandles(): (handle: LoopHandle) => string | undefined {
  const alive = [...tracedResources.values()].flatMap(({ type, resource }) => {
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

/** `at Object.asyncBufferWrapper [as gzip] (node:zlib:775:23)`: its name, the one it is called by, its module. */
const NODE_FRAME =
  /at (?:async )?(?:\w+\.)*([\w$]+)(?: \[as (\w+)\])? \(node:(?:internal\/)?(fs\/promises|(?!process|async|internal|util)\w+)/;

/** The function of Node's that the program called to make a request, as `fs.stat()`. */
function callIntoNode(): string | undefined {
  let name: string | undefined;
  for (const line of (new Error().stack ?? '').split('\n').slice(1)) {
    const [, own, alias, module] = NODE_FRAME.exec(line) ?? [];
    if (own !== undefined) name = `${module?.replace('/', '.')}.${alias ?? own}()`;
    else if (!line.includes('node:') && !line.includes(OURS) && !line.includes('<anonymous>')) break;
  }
  return name;
}

/** The newest `count` requests, or fewer, that have not come back; undefined if none was traced. */
export function tracedRequests(count: number): TracedRequest[] | undefined {
  const traced = [...pending.values()].filter(({ resource }) => !wasDoneAtOnce(resource.deref()));
  return traced.length === 0 ? undefined : traced.slice(-count).map(({ request }) => request);
}

/** The caller's place is where `resource` was opened, if that is to be remembered. */
function rememberOpening(resource: object): void {
  if (!tracing) return;
  const where = firstOutsideNode();
  if (where !== undefined) openings.set(resource, where);
}

/** `file:line:column`; undefined if it was opened before anybody asked for it. */
export function openingOf(resource: object): string | undefined {
  return openings.get(resource);
}
