import type { AddressInfo } from 'node:net';
import { binding } from '../../base/binding';
import type { ListeningSocket } from '../../sockets/listening-socket';
import { Turns } from '../../sockets/turns';
import { MAX_WORKERS } from '../scoreboard';
import type { Bind } from '../settings';
import type { BindWithAccess } from '../system/socket-access';
import { UnixListeningSocket } from '../system/socket-file';
import { bindOneOfMany, bindShared, formatBind } from './bind';

function refuse(socket: ListeningSocket): void {
  if (socket.fd === -1) return;
  binding.socket_refuse(socket.fd);
  socket.close();
}

/**
 * One address that workers serve: the manager binds it and keeps it, so that connections wait in its
 * queue while a worker is being replaced.
 */
export class Endpoint {
  readonly bind: BindWithAccess;
  readonly #shared: ListeningSocket | undefined;
  /** Balanced: a queue for each worker id, which stays when the worker goes. */
  readonly #queues = new Map<number, ListeningSocket>();
  /** Of the queues; undefined where the kernel is to choose by a hash. */
  #turns: Turns | undefined;
  #fileRemoved = false;

  /** @throws SystemError, ResolverError: it cannot be bound */
  constructor(bind: BindWithAccess, balancedOver: number) {
    this.bind = bind;
    if (bind.kind === 'tcp' && balancedOver > 0) {
      this.bind = { ...bind };
      for (let id = 0; id < balancedOver; id++) this.#addQueue(id);
      this.#turns = Turns.take(this.#first.fd, MAX_WORKERS);
      this.#turns?.add([...this.#queues].map(([id, { fd }]) => [id, fd]));
    } else {
      this.#shared = bindShared(bind);
    }
  }

  /** With the port that the system has chosen; a path for a Unix socket. */
  get address(): AddressInfo | string {
    return this.#first.address();
  }

  /** With the port that the system has chosen, if it was to choose. */
  get name(): string {
    const address = this.#first.address();
    if (typeof address === 'string') return formatBind({ kind: 'unix', path: address });
    return formatBind({ kind: 'tcp', host: address.address, port: address.port });
  }

  /** The socket that worker `id` serves. */
  socketFor(id: number): ListeningSocket {
    if (this.#shared !== undefined) return this.#shared;
    if (!this.#queues.has(id)) this.#turns?.add([[id, this.#addQueue(id).fd]]);
    return this.#queues.get(id) as ListeningSocket;
  }

  /** The owner keeps an inherited socket, and may pass it to the next process: it must stay unchanged. */
  get isLent(): boolean {
    return this.bind.kind === 'fd';
  }

  /** In a child of the manager, which serves nothing of it. */
  letGo(): void {
    this.#turns?.close();
    for (const socket of this.#shared === undefined ? this.#queues.values() : [this.#shared]) socket.close();
  }

  /** For the manager, at the end: no new connection. Those that are under way are left to the workers. */
  close(): void {
    // Nothing else keeps new connections from a Unix socket.
    this.removeFile();
    this.#turns?.close();
    if (this.isLent) this.#shared?.close();
    else
      for (const socket of this.#shared === undefined ? this.#queues.values() : [this.#shared])
        refuse(socket);
  }

  /** For the manager: the same for worker `id`. False if it has no queue of its own. */
  closeQueue(id: number): boolean {
    const queue = this.#queues.get(id);
    if (queue === undefined) return false;
    this.#queues.delete(id);
    this.#turns?.delete(id);
    refuse(queue);
    return true;
  }

  /** Once, and before the socket is closed. */
  removeFile(): void {
    if (this.#fileRemoved || !(this.#shared instanceof UnixListeningSocket)) return;
    this.#fileRemoved = true;
    try {
      this.#shared.removeFile();
    } catch {
      // Its directory has gone, or this process may not change it any more: there is nothing left to do about it.
    }
  }

  get #first(): ListeningSocket {
    return this.#shared ?? (this.#queues.values().next().value as ListeningSocket);
  }

  #addQueue(id: number): ListeningSocket {
    const queue = bindOneOfMany(this.bind as Bind & { kind: 'tcp' });
    this.#queues.set(id, queue);
    const address = queue.address();
    // The first may have been given any free port: that is the port for all.
    if (typeof address !== 'string') Object.assign(this.bind, { port: address.port });
    return queue;
  }
}
