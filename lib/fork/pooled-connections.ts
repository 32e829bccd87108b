/**
 * Connections that Node keeps open to use them again. In a quiet child they are dead, and the next request for the same server
 * would take one.
 */
import type { Agent } from 'node:http';
import { hasNodeLoaded } from '../base/loaded-builtins';

interface Pool {
  sockets: object;
  freeSockets: object;
  requests: object;
  totalSocketCount?: number;
}

function empty(agent: Agent): void {
  const pool = agent as unknown as Pool;
  for (const list of [pool.sockets, pool.freeSockets, pool.requests]) {
    for (const name of Object.keys(list)) Reflect.deleteProperty(list, name);
  }
  if (pool.totalSocketCount !== undefined) pool.totalSocketCount = 0;
}

/** What `fetch` uses; of which copy of undici, only the global object knows: `undici.globalDispatcher.1`. */
function dispatcherKeys(): symbol[] {
  return Object.getOwnPropertySymbols(globalThis).filter((key) =>
    key.description?.startsWith('undici.globalDispatcher'),
  );
}

/** One for a proxy, or a mock, is of a class that wants to be told more: it stays. */
function forgetDispatchers(): void {
  for (const key of dispatcherKeys()) {
    const current: object = Reflect.get(globalThis, key);
    if (current.constructor.name !== 'Agent') continue;
    const Dispatcher = current.constructor as new () => object;
    Reflect.set(globalThis, key, new Dispatcher());
  }
}

export function forgetParentsConnections(): void {
  if (hasNodeLoaded('http')) empty((require('node:http') as typeof import('node:http')).globalAgent);
  if (hasNodeLoaded('https')) empty((require('node:https') as typeof import('node:https')).globalAgent);
  forgetDispatchers();
}
