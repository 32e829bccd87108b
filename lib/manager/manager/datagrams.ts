/** Sockets of UDP that workers have in common: each once, for all generations that have asked for it. */
import { binding } from '../../base/binding';
import type { ToManager } from '../channel/messages';
import { formatBind } from '../listening/bind';
import { addressOf, bindDatagrams } from '../listening/datagrams';
import type { Keep } from '../listening/endpoints';
import type { Generation } from './generation';
import { withRightsFor } from './other-rights';
import { noteAlsoAsked, type Peer } from './peers';

interface Bound {
  fd: number;
  generations: Set<number>;
}

export interface HandedDatagrams {
  key: string;
  fd: number;
  generations: number[];
}

/** A process that asks for another address each time would fill the manager's table of descriptors. */
const MOST = 128;

export class Datagrams {
  readonly #bound = new Map<string, Bound>();

  /** With the socket, or why there is none. */
  answer(peer: Peer, generation: Generation, { bind, index }: ToManager & { type: 'datagrams' }): void {
    const make = () => withRightsFor(peer, generation, () => bindDatagrams(bind));
    try {
      const fd = this.#take(`${index} ${addressOf(bind)}`, generation.number, make);
      noteAlsoAsked(peer, `UDP ${formatBind({ kind: 'tcp', host: bind.host, port: bind.port })}`);
      peer.channel.send({ type: 'datagrams' }, [fd]);
    } catch (error) {
      const { code = 'UNKNOWN' } = error as NodeJS.ErrnoException;
      peer.channel.send({ type: 'no datagrams', code });
    }
  }

  #take(key: string, generation: number, make: () => number): number {
    const found = this.#bound.get(key);
    if (found === undefined && this.#bound.size >= MOST) {
      throw Object.assign(new Error(`prefork binds at most ${MOST} addresses`), { code: 'EMFILE' });
    }
    const { fd, generations } = found ?? { fd: make(), generations: new Set<number>() };
    this.#bound.set(key, { fd, generations: generations.add(generation) });
    return fd;
  }

  /** Closes what only generations have asked for that are gone. */
  keep(isAlive: (generation: number) => boolean): void {
    for (const [key, { fd, generations }] of this.#bound) {
      if ([...generations].some(isAlive)) continue;
      this.#bound.delete(key);
      binding.socket_close(fd);
    }
  }

  /** For another program in this process. */
  handOver(keep: Keep): HandedDatagrams[] {
    return [...this.#bound].map(([key, { fd, generations }]) => ({
      key,
      fd: keep(fd),
      generations: [...generations],
    }));
  }

  takeOver(handed: readonly HandedDatagrams[]): void {
    for (const { key, fd, generations } of handed)
      this.#bound.set(key, { fd, generations: new Set(generations) });
  }

  /** In a child. */
  letGo(): void {
    this.keep(() => false);
  }
}
