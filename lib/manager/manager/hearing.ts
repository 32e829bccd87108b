/** What templates and workers say, and what comes of it. Nothing of it is believed that has not been checked. */
import { monotonic } from '../../base/timers';
import type { ToManager } from '../channel/messages';
import type { Driver } from './driver';
import type { Generations } from './generations';
import type { Holdings } from './holdings';
import { hear, nameOf, type Peer } from './peers';
import type { Succession } from './succession';

export class Hearing {
  readonly #driver: Driver;
  readonly #has: Holdings;
  readonly #generations: Generations;
  readonly #succession: Succession;

  constructor(driver: Driver, has: Holdings, generations: Generations, succession: Succession) {
    this.#driver = driver;
    this.#has = has;
    this.#generations = generations;
    this.#succession = succession;
  }

  listenTo(peer: Peer): void {
    for (const heard of hear(peer, monotonic())) {
      const why = heard.is === 'wrong' ? heard.why : this.#tryToTake(peer, heard.message);
      if (why !== undefined) this.#punish(peer, why);
    }
  }

  /** Nothing that it says can be believed any more. */
  #punish(peer: Peer, why: string): void {
    this.#has.log.now({
      level: 'error',
      event: 'protocol_violated',
      message: `Process ${peer.pid} (${nameOf(peer)}) ${why}: killing it`,
      pid: peer.pid,
    });
    peer.channel.close();
    this.#driver.kill(peer.pid, 'SIGKILL');
  }

  /** An error in handling a message costs the peer that sent it, and nothing else. */
  #tryToTake(peer: Peer, message: ToManager): string | undefined {
    try {
      return this.#take(peer, message);
    } catch (error) {
      return `sent '${message.type}', which failed: ${String(error)}`;
    }
  }

  /** Returns in what the message breaks the protocol; undefined: it does not. */
  #take(peer: Peer, message: ToManager): string | undefined {
    if (message.type === 'can start' || message.type === 'cannot start')
      return this.#succession.hear(peer, message);
    const generation = this.#has.generations.get(peer.generation);
    if (generation === undefined) return 'sent a message after its generation was forgotten';
    switch (message.type) {
      case 'settings':
        return this.#generations.configure(peer, generation, message.settings);
      case 'listen':
        if (!peer.isConfigured) return 'asked for a socket before it sent its settings';
        // No socket is given out any more, and this process has served nobody.
        if (this.#driver.state.phase !== 'running') {
          this.#driver.kill(peer.pid, 'SIGKILL');
          return undefined;
        }
        this.#has.listenRequests.answer(peer, generation, message.bind);
        return undefined;
      case 'try':
        if (!peer.isConfigured) return 'looked for a port before it had settings';
        this.#has.probes.answer(peer, generation, message.bind);
        return undefined;
      case 'datagrams':
        if (!peer.isConfigured) return 'asked for a socket before it had settings';
        this.#has.datagrams.answer(peer, generation, message);
        return undefined;
      case 'loaded':
        if (!this.#generations.isLoading(peer, generation)) return NOT_LOADING;
        this.#generations.loaded(generation);
        return undefined;
      case 'unsharable':
        if (!this.#generations.isLoading(peer, generation)) return NOT_LOADING;
        this.#generations.notShared(generation, message);
        return undefined;
      case 'forked':
        return this.#has.newWorkers.forked(peer, generation, message.pid);
      case 'not forked':
        return this.#has.newWorkers.notForked(peer, generation, message.reason, message.killed);
      case 'ready':
        if (peer.worker === null) return 'reported that it is ready, but is no worker';
        this.#driver.tell({ type: 'ready', pid: peer.pid });
        return undefined;
      case 'stopping':
        peer.isStopping = true;
        return undefined;
    }
  }
}

const NOT_LOADING = 'reported a load that was not under way';
