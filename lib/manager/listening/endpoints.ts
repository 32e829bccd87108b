import { fstatSync } from 'node:fs';
import type { AddressInfo } from 'node:net';
import { binding, type TurnDescriptors } from '../../base/binding';
import { ByAddress } from '../../sockets/by-address';
import { ListeningSocket } from '../../sockets/listening-socket';
import { Turns } from '../../sockets/turns';
import { MAX_WORKERS } from '../scoreboard';
import type { Bind } from '../settings';
import type { BindWithAccess } from '../system/socket-access';
import { UnixListeningSocket } from '../system/socket-file';
import { bindOneOfMany, bindShared, formatBind, tryToBind } from './bind';

function refuse(socket: ListeningSocket): void {
  if (socket.fd === -1) return;
  binding.socket_refuse(socket.fd);
  socket.close();
}

/** Notes that a descriptor is to be inherited by the next program in this process, and answers it. */
export type Keep = (fd: number) => number;

/** The sockets of an endpoint, by number. */
export interface HandedSockets {
  shared: HandedSocket | null;
  queues: [id: number, fd: number][];
  turns: (TurnDescriptors & { slots: number[] }) | null;
  /** The ids of workers that get connections by the addresses of clients; null: that is not how they are spread. */
  byAddress: number[] | null;
  isFileRemoved: boolean;
}

/** How many workers get a queue each, and what decides which of them a connection comes into. */
export interface Queues {
  count: number;
  by: 'turns' | 'address';
}

interface HandedSocket {
  fd: number;
  /** Of a Unix socket; its numbers are too large for JSON. */
  file: { dev: string; ino: string; path: string } | null;
}

function handSocket(socket: ListeningSocket, keep: Keep): HandedSocket {
  const { file = null } = socket as Partial<UnixListeningSocket>;
  return {
    fd: keep(socket.fd),
    file: file && { dev: String(file.dev), ino: String(file.ino), path: file.path },
  };
}

function takeSocket(bind: BindWithAccess, { fd, file }: HandedSocket): ListeningSocket {
  if (bind.kind !== 'unix') return new ListeningSocket(fd);
  const own = file && { dev: BigInt(file.dev), ino: BigInt(file.ino), path: file.path };
  return new UnixListeningSocket(fd, bind.path, own);
}

/**
 * One address that workers serve: the manager binds it and keeps it, so that connections wait in its
 * queue while a worker is being replaced.
 */
export class Endpoint {
  readonly bind: BindWithAccess;
  /** Of a Unix socket, by which the kernel knows how many wait to be accepted; null: of TCP. */
  readonly inode: number | null;
  readonly #shared: ListeningSocket | undefined;
  /** Balanced or sticky: a queue for each worker id, which stays when the worker goes. */
  readonly #queues = new Map<number, ListeningSocket>();
  /** Of the queues; undefined where the kernel is to choose by a hash. */
  #turns: Turns | undefined;
  /** Of the queues; undefined where clients are not to stay with their worker, or the kernel does not let them. */
  #byAddress: ByAddress | undefined;
  #fileRemoved = false;

  /**
   * @param from a queue for each worker, null: one for all; or sockets that listen there already
   * @throws SystemError, ResolverError: it cannot be bound
   */
  constructor(bind: BindWithAccess, from: Queues | HandedSockets | null) {
    this.bind = bind;
    if (from !== null && 'queues' in from) {
      this.#shared = from.shared === null ? undefined : takeSocket(bind, from.shared);
      for (const [id, fd] of from.queues) this.#queues.set(id, new ListeningSocket(fd));
      this.#turns = from.turns === null ? undefined : Turns.takeOver(from.turns, from.turns.slots);
      if (from.byAddress !== null) {
        this.#byAddress = new ByAddress(this.#first.fd, [...this.#queues.keys()], from.byAddress);
      }
      this.#fileRemoved = from.isFileRemoved;
    } else if (bind.kind === 'tcp' && from !== null) {
      this.bind = { ...bind };
      if (from.by === 'address') this.#refuseToShare(bind);
      for (let id = 0; id < from.count; id++) this.#addQueue(id);
      if (from.by === 'address') this.#stick();
      else this.#takeTurns();
    } else {
      this.#shared = bindShared(bind);
    }
    this.inode =
      typeof this.address === 'string' ? Number(fstatSync(this.#first.fd, { bigint: true }).ino) : null;
  }

  /** Clients stay with their worker. */
  get isSticky(): boolean {
    return this.#byAddress !== undefined;
  }

  /** With the port that the system has chosen; a path for a Unix socket. */
  get address(): AddressInfo | string {
    return this.#first.address();
  }

  /** All that another program in this process needs in order to go on with it. */
  handOver(keep: Keep): HandedSockets {
    const descriptors = this.#turns?.descriptors ?? null;
    return {
      shared: this.#shared === undefined ? null : handSocket(this.#shared, keep),
      queues: [...this.#queues].map(([id, { fd }]) => [id, keep(fd)]),
      turns: descriptors && {
        sockets: keep(descriptors.sockets),
        order: keep(descriptors.order),
        slots: this.#turns?.slots ?? [],
      },
      byAddress: this.#byAddress?.chosen ?? null,
      isFileRemoved: this.#fileRemoved,
    };
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
    const queue = this.#queues.get(id) ?? this.#addQueue(id);
    if (this.#turns?.slots.includes(id) === false) this.#turns.add([[id, queue.fd]]);
    this.#byAddress?.add(id);
    return queue;
  }

  /** The owner keeps an inherited socket, and may pass it to the next process: it must stay unchanged. */
  get isLent(): boolean {
    return this.bind.kind === 'fd';
  }

  /** In a child of the manager, which serves nothing of it. */
  letGo(): void {
    // It was inherited for all: templates, and a program on trial, may ask for it by its number.
    if (this.isLent) return;
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
    if (this.#byAddress !== undefined) {
      this.#byAddress.delete(id);
      return true;
    }
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

  #takeTurns(): void {
    this.#turns = Turns.take(this.#first.fd, MAX_WORKERS);
    this.#turns?.add([...this.#queues].map(([id, { fd }]) => [id, fd]));
  }

  #stick(): void {
    const byAddress = new ByAddress(this.#first.fd, [...this.#queues.keys()]);
    if (byAddress.choose()) this.#byAddress = byAddress;
  }

  /** Sockets of another program between these would get clients of theirs. */
  #refuseToShare(bind: Bind & { kind: 'tcp' }): void {
    const found = bind.port === 0 ? undefined : tryToBind(bind);
    if (found instanceof Error) throw found;
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
