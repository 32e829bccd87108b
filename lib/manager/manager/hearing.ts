/** What the manager's children say, and what comes of it. Nothing of it is believed that has not been checked. */
import { monotonic } from '../../base/timers';
import type { ToManager } from '../channel/messages';
import type { Driver } from './driver';
import type { Generation } from './generation';
import { type Generations, NOT_TO_READ } from './generations';
import type { Holdings } from './holdings';
import { type Heard, hear, nameOf, type Peer } from './peers';
import type { Readiness } from './readiness';
import type { Succession } from './succession';

/**
 * Milliseconds after which a peer's turn ends. One question may take longer: a socket that somebody has left behind is looked at
 * twice (socket-file.ts).
 */
const TURN = 10;

export class Hearing {
  readonly #driver: Driver;
  readonly #has: Holdings;
  readonly #generations: Generations;
  readonly #readiness: Readiness;
  readonly #succession: Succession;

  constructor(
    driver: Driver,
    has: Holdings,
    parts: { generations: Generations; readiness: Readiness; succession: Succession },
  ) {
    this.#driver = driver;
    this.#has = has;
    this.#generations = parts.generations;
    this.#readiness = parts.readiness;
    this.#succession = parts.succession;
  }

  /** What is left then waits until all others have been heard, and the operator. */
  listenTo(peer: Peer): void {
    const begin = monotonic();
    for (const heard of hear(peer, begin)) {
      this.#heed(peer, heard);
      if (monotonic() - begin > TURN) return;
    }
  }

  /** The last words of one that has ended: nothing of it is asked for any more, so that it takes no time. */
  hearOut(peer: Peer): void {
    let isMore = true;
    while (isMore) {
      isMore = false;
      for (const heard of hear(peer, monotonic())) {
        isMore = true;
        if (heard.is === 'wrong' || !isQuestion(heard.message)) this.#heed(peer, heard);
      }
    }
  }

  #heed(peer: Peer, heard: Heard): void {
    const why = heard.is === 'wrong' ? heard.why : this.#tryToTake(peer, heard.message);
    if (why !== undefined) this.#punish(peer, why);
  }

  /** Nothing that it says can be believed any more. */
  #punish(peer: Peer, why: string): void {
    this.#has.log.note({
      level: 'error',
      event: 'protocol_violated',
      message: `Process ${peer.pid} (${nameOf(peer)}) ${why}: killing it`,
      pid: peer.pid,
    });
    this.#generations.dismiss(peer);
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
    if (message.type === 'trial' || message.type === 'can start' || message.type === 'cannot start')
      return this.#succession.hear(peer, message);
    const generation = this.#has.generations.get(peer.generation);
    if (generation === undefined) return 'sent a message after its generation was forgotten';
    switch (message.type) {
      case 'found':
        return this.#generations.found(peer, generation, message.found);
      case 'not found':
        if (peer.role !== 'configuration') return NOT_TO_READ;
        peer.why = message.why;
        return undefined;
      case 'listen':
        if (!isOfApplication(peer)) return 'asked for a socket, but runs no application';
        // No socket is given out any more, and this process has served nobody.
        if (this.#driver.state.phase !== 'running') {
          this.#generations.dismiss(peer);
          return undefined;
        }
        this.#has.listenRequests.answer(peer, generation, message.bind);
        return undefined;
      case 'try':
        if (!isOfApplication(peer)) return 'looked for a port, but runs no application';
        this.#has.probes.answer(peer, generation, message.bind);
        return undefined;
      case 'datagrams':
        if (!isOfApplication(peer)) return 'asked for a socket, but runs no application';
        this.#has.datagrams.answer(peer, generation, message);
        return undefined;
      case 'identity':
      case 'idle':
      case 'loaded':
      case 'unsharable':
        return this.#takeOfLoad(peer, generation, message);
      case 'forked':
        return this.#has.newWorkers.forked(peer, generation, message.pid);
      case 'not forked':
        return this.#has.newWorkers.notForked(peer, generation, message.reason, message.killed);
      case 'ready':
        if (peer.worker === null) return 'reported that it is ready, but is no worker';
        generation.isProven = true;
        peer.isReady = true;
        this.#readiness.tellOf(peer);
        return undefined;
      case 'settled':
        if (peer.worker === null) return 'reported that it is settled, but is no worker';
        peer.isSettled = true;
        return undefined;
      case 'stopping':
        peer.isStopping = true;
        return undefined;
    }
  }

  #takeOfLoad(peer: Peer, generation: Generation, message: OfLoad): string | undefined {
    // It could not know yet. It has loaded what it was told to end in, and has nothing to tie up any more; it may sleep by now.
    if (this.#generations.isGivenUp(peer, generation)) {
      if (message.type !== 'identity') this.#generations.dismiss(peer);
      return undefined;
    }
    if (!this.#generations.isLoading(peer, generation)) return NOT_LOADING;
    switch (message.type) {
      case 'identity':
        return this.#generations.identified(generation, message.identity);
      case 'idle':
        this.#generations.waitsToWork(generation);
        return undefined;
      case 'loaded':
        this.#generations.loaded(generation);
        return undefined;
      case 'unsharable':
        this.#generations.notShared(generation, message);
        return undefined;
    }
  }
}

type OfLoad = Extract<ToManager, { type: 'identity' | 'idle' | 'loaded' | 'unsharable' }>;

/** Whoever sends it waits for the answer. */
function isQuestion({ type }: ToManager): boolean {
  return type === 'listen' || type === 'try' || type === 'datagrams';
}

/** Those who may ask for what an application asks for. */
function isOfApplication({ role }: Peer): boolean {
  return role === 'template' || role === 'worker';
}

const NOT_LOADING = 'reported a load that was not under way';
