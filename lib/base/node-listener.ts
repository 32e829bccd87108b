/** A listening socket by Node's own calls, bound before anybody serves it. */
import { constants } from 'node:os';
import { preforkError } from './errors';

import net = require('node:net');

/** Node's TCP or Pipe object, as lib/net.js and node:cluster use it. */
export interface Handle {
  onconnection?: (error: number, client?: Handle) => void;
  listen(backlog: number): number;
  getsockname?(out: object): number;
  getpeername?(out: object): number;
  close(): void;
  ref(): void;
  unref(): void;
}

interface NetInternals {
  /** Undocumented; node:cluster binds its workers' sockets by it. */
  _createServerHandle?(address: string, port: number, type: number, fd: null, flags: number): Handle | number;
}

export interface Where {
  address: string;
  port: number;
  ipv6Only: boolean;
  isPath: boolean;
}

export interface Listener {
  /** As it was asked for. */
  readonly where: Where;
  /** Undefined for what has no name. */
  address(): net.AddressInfo | string | undefined;
  /** 0, or `-errno`. */
  listen(backlog: number): number;
  /** What it was told to listen with. */
  readonly backlog: number;
  /** Calls back with each connection, or a negative errno: 0, or `-errno`. */
  accept(callback: (client: Handle | number) => void): number;
  pause(): void;
  keepAlive(alive: boolean): void;
  close(): void;
}

const UV_TCP_IPV6ONLY = 1;
const { _createServerHandle: createHandle } = net as unknown as NetInternals;

/** Whether servers take such objects: not in Bun and Deno, where each can only listen for itself. */
export const hasHandles = createHandle !== undefined && process.versions['deno'] === undefined;

/** Of Node, on whatever system. */
class HandleListener implements Listener {
  readonly where: Where;
  readonly #handle: Handle;
  #accepted: ((client: Handle | number) => void) | undefined;
  /** Those that have come before anybody accepts. */
  #waiting: Handle[] = [];
  backlog = 0;

  constructor(where: Where, handle: Handle) {
    this.where = where;
    this.#handle = handle;
    handle.onconnection = (error, client) => this.#came(error < 0 || client === undefined ? error : client);
    // Bound, and not served yet: no reason to stay alive.
    handle.unref();
  }

  address(): net.AddressInfo | string | undefined {
    if (this.where.isPath) return this.where.address;
    const name = { address: '', family: '', port: 0 };
    return this.#handle.getsockname?.(name) === 0 ? name : undefined;
  }

  listen(backlog: number): number {
    this.backlog = backlog;
    return this.#handle.listen(backlog);
  }

  #came(client: Handle | number): void {
    if (this.#accepted !== undefined) this.#accepted(client);
    else if (typeof client !== 'number') this.#waiting.push(client);
  }

  accept(callback: (client: Handle | number) => void): number {
    this.#accepted = callback;
    this.#handle.ref();
    const waiting = this.#waiting;
    this.#waiting = [];
    setImmediate(() => {
      for (const client of waiting) this.#came(client);
    });
    return 0;
  }

  pause(): void {
    this.#accepted = undefined;
    this.#handle.unref();
  }

  keepAlive(alive: boolean): void {
    if (alive) this.#handle.ref();
    else this.#handle.unref();
  }

  close(): void {
    for (const client of this.#waiting) client.close();
    this.#handle.close();
  }
}

/** Of Bun and Deno: something holds the port until the server that is to serve it takes its place. */
class HeldPort implements Listener {
  readonly where: Where;
  readonly #address: net.AddressInfo;
  readonly #letGo: () => void;
  backlog = 0;

  constructor(where: Where, port: number, letGo: () => void) {
    this.where = where;
    this.#address = { address: where.address, family: net.isIPv6(where.address) ? 'IPv6' : 'IPv4', port };
    this.#letGo = letGo;
  }

  address(): net.AddressInfo {
    return this.#address;
  }

  listen(backlog: number): number {
    this.backlog = backlog;
    return 0;
  }

  accept(): number {
    return -constants.errno.ENOTSUP;
  }

  pause(): void {}

  keepAlive(): void {}

  close(): void {
    this.#letGo();
  }
}

/** Their own ways to listen, which say at once how it went. */
interface Foreign {
  Bun?: { listen(options: object): { port: number; stop(closesAll: boolean): void } };
  Deno?: { listen(options: object): { addr: { port: number }; unref(): void; close(): void } };
}

function noPaths(): Error {
  return preforkError(
    'ERR_PREFORK_UNSUPPORTED',
    'Outside Node prefork cannot bind a Unix socket before it is served: have the server listen by its path',
  );
}

function holdPort(where: Where): Listener | number {
  const { address: hostname, port, isPath } = where;
  const { Bun, Deno } = globalThis as Foreign;
  if (isPath) throw noPaths();
  try {
    if (Bun !== undefined) {
      const held = Bun.listen({ hostname, port, socket: { data() {} } });
      return new HeldPort(where, held.port, () => held.stop(true));
    }
    const held = Deno?.listen({ hostname, port });
    held?.unref();
    return new HeldPort(where, held?.addr.port ?? port, () => held?.close());
  } catch (error) {
    const { code = 'EADDRINUSE' } = error as NodeJS.ErrnoException;
    return -(constants.errno[code as keyof typeof constants.errno] ?? constants.errno.EADDRINUSE);
  }
}

/** Bound, or `-errno`. */
export function makeListener(where: Where): Listener | number {
  const { address, port, ipv6Only, isPath } = where;
  if (!hasHandles || createHandle === undefined) return holdPort(where);
  const type = isPath ? -1 : net.isIPv6(address) ? 6 : 4;
  const handle = createHandle(address, isPath ? -1 : port, type, null, ipv6Only ? UV_TCP_IPV6ONLY : 0);
  return typeof handle === 'number' ? handle : new HandleListener(where, handle);
}
