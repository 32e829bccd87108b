/**
 * A worker that takes the place of another one is ready when it listens wherever that does. Applications may listen late,
 * after their databases are connected: in between nobody would serve there, and with the old generation the address would go.
 */

import { keyOf } from './addresses';
import type { Driver } from './driver';
import type { Generation } from './generation';
import type { Holdings } from './holdings';
import type { Peer } from './peers';

export class Readiness {
  readonly #driver: Driver;
  readonly #has: Holdings;

  constructor(driver: Driver, has: Holdings) {
    this.#driver = driver;
    this.#has = has;
  }

  /** A worker that has said that it is ready. */
  tellOf(peer: Peer): void {
    this.#driver.tell({ type: 'ready', pid: peer.pid, lacks: this.#lacks(peer) });
  }

  /** Of those that were waited for: what they lack may have become less since. */
  tellOfLate(): void {
    for (const { pid, phase, lacks } of this.#driver.state.workers) {
      const peer = this.#has.peers.get(pid);
      if (phase !== 'booting' || lacks === null || peer === undefined) continue;
      if (this.#lacks(peer).length < lacks.length) this.tellOf(peer);
    }
  }

  /** It takes its place: what it lacks, the workers after it need not have. */
  serves({ pid, generation }: { pid: number; generation: number }): void {
    const lacks = this.#driver.state.workers.find((worker) => worker.pid === pid)?.lacks ?? [];
    for (const name of lacks) this.#has.generations.get(generation)?.dropped.add(name);
  }

  #lacks(peer: Peer): string[] {
    const generation = this.#has.generations.get(peer.generation);
    const forerunner = this.#forerunnerOf(peer);
    if (generation === undefined || forerunner === undefined) return [];
    const own = new Set(this.#listensOn(peer));
    const lacks = this.#listensOn(forerunner, generation).filter((name) => !own.has(name));
    if (peer.isSettled) for (const name of lacks) generation.dropped.add(name);
    return lacks.filter((name) => !generation.dropped.has(name));
  }

  #forerunnerOf({ pid, worker }: Peer): Peer | undefined {
    const others = this.#driver.state.workers.filter((other) => other.id === worker?.id && other.pid !== pid);
    const serving = others.find(({ phase }) => phase === 'ready');
    return serving === undefined ? undefined : this.#has.peers.get(serving.pid);
  }

  /** By name. With `next`: without what that one's configuration does not give any more. */
  #listensOn({ asked, alsoAsked, generation }: Peer, next?: Generation): string[] {
    const given = this.#given(this.#has.generations.get(generation));
    const stillGiven = this.#given(next);
    const isGone = (key: string) => next !== undefined && given.has(key) && !stillGiven.has(key);
    const bound = this.#has.addresses.askedFor(asked).filter(({ key }) => !isGone(key));
    return [...bound.map(({ endpoint }) => endpoint.name), ...alsoAsked];
  }

  /** Addresses of --bind. */
  #given(generation: Generation | undefined): Set<string> {
    return new Set(generation?.settings?.bind.map(keyOf));
  }
}
