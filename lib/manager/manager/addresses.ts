/** The addresses that the manager has bound: each once, for all generations that have asked for it. */
import type { SocketAbout } from '../channel/messages';
import { Endpoint, type HandedSockets, type Keep } from '../listening/endpoints';
import type { Bind } from '../settings';
import type { BindWithAccess } from '../system/socket-access';

export interface Bound {
  key: string;
  /** How many equal addresses came before it: the second one fails, as it would anywhere. */
  index: number;
  endpoint: Endpoint;
  generations: Set<number>;
}

export interface HandedAddress extends Omit<Bound, 'endpoint' | 'generations'> {
  bind: BindWithAccess;
  sockets: HandedSockets;
  generations: number[];
}

/** Requests so far of one process and those that it was forked from, by address. */
export type Asked = Map<string, number>;

/** A process that asks for another address each time would fill the manager's table of descriptors. */
const MOST = 128;

export class Addresses {
  #bound: Bound[] = [];

  get endpoints(): Endpoint[] {
    return this.#bound.map(({ endpoint }) => endpoint);
  }

  get count(): number {
    return this.#bound.length;
  }

  /** The endpoint that is already bound for the next such request of this process. */
  find(bind: Bind, generation: number, asked: Asked): Endpoint | undefined {
    const key = keyOf(bind);
    const index = asked.get(key) ?? 0;
    const found = this.#bound.find((each) => each.key === key && each.index === index);
    if (found === undefined) return undefined;
    asked.set(key, index + 1);
    found.generations.add(generation);
    return found.endpoint;
  }

  /** @throws SystemError: it cannot be bound */
  bind(bind: Bind, generation: number, asked: Asked, make: () => Endpoint): Endpoint {
    if (this.#bound.length >= MOST) {
      throw Object.assign(new Error(`prefork binds at most ${MOST} addresses`), { code: 'EMFILE' });
    }
    const key = keyOf(bind);
    const index = asked.get(key) ?? 0;
    const endpoint = make();
    asked.set(key, index + 1);
    this.#bound.push({ key, index, endpoint, generations: new Set([generation]) });
    return endpoint;
  }

  /** What a process that has asked for these listens on. */
  askedFor(asked: Asked): Bound[] {
    return this.#bound.filter(({ key, index }) => index < (asked.get(key) ?? 0));
  }

  /** Nobody new connects to it, and nobody is given it any more. */
  drop(bound: Bound): void {
    this.#bound = this.#bound.filter((each) => each !== bound);
    close(bound.endpoint);
  }

  /** Closes endpoints that only generations of the past have asked for, and returns them. */
  keep(isAlive: (generation: number) => boolean): Endpoint[] {
    const isKept = ({ generations }: Bound) => [...generations].some(isAlive);
    const dropped = this.#bound.filter((each) => !isKept(each)).map(({ endpoint }) => endpoint);
    this.#bound = this.#bound.filter(isKept);
    for (const endpoint of dropped) close(endpoint);
    return dropped;
  }

  /** All that another program in this process needs, in an order to which numbers can refer. */
  handOver(keep: Keep): HandedAddress[] {
    return this.#bound.map(({ key, index, endpoint, generations }) => ({
      key,
      index,
      bind: endpoint.bind,
      sockets: endpoint.handOver(keep),
      generations: [...generations],
    }));
  }

  takeOver(handed: readonly HandedAddress[]): void {
    this.#bound = handed.map(({ key, index, bind, sockets, generations }) => ({
      key,
      index,
      endpoint: new Endpoint(bind, sockets),
      generations: new Set(generations),
    }));
  }

  /** In a child. */
  letGo(): void {
    for (const endpoint of this.endpoints) endpoint.letGo();
  }

  close(): void {
    for (const endpoint of this.endpoints) endpoint.close();
  }

  /** False if worker `id` has no queues of its own. */
  closeQueues(id: number): boolean {
    return this.endpoints.filter((endpoint) => endpoint.closeQueue(id)).length > 0;
  }

  removeFiles(): void {
    for (const endpoint of this.endpoints) endpoint.removeFile();
  }
}

/** A socket that was handed over stays what it is, for a version that may ask for it again. */
function close(endpoint: Endpoint): void {
  if (!endpoint.isLent) endpoint.close();
}

/** How long its queue may be makes no other address of it: a new version may change that. */
export function keyOf(bind: Bind): string {
  return JSON.stringify(bind, (name, value) => (name === 'backlog' ? undefined : value));
}

/** What a process is told of a socket that comes with the message. */
export function about({ isLent }: Endpoint): SocketAbout {
  return { isLent };
}

/** Descriptors, in the manager: one for each address. */
export function socketsFor(endpoints: readonly Endpoint[], id: number): number[] {
  return endpoints.map((endpoint) => endpoint.socketFor(id).fd);
}
