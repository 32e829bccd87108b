/** How the manager has hooks called that watch workers: it tells the attendant, and never waits for it. */
import { closeSync } from 'node:fs';
import { binding } from '../../base/binding';
import type { Newcomer } from '../place';
import type { PlainSettings } from '../settings';
import type { Births } from './births';
import { newPeer, type Peer, type Peers } from './peers';

/** The process that calls them. */
interface Attendant {
  peer: Peer;
  /** Events go there, an object a line. */
  line: number;
}

export class HookCaller {
  readonly #peers: Peers;
  readonly #births: Births;
  readonly #openStatus: () => number[];
  #attendant: Attendant | undefined;

  /** @param openStatus descriptors by which it serves the status, if it is to: the first is closed when it has been sent */
  constructor(peers: Peers, births: Births, openStatus: () => number[]) {
    this.#peers = peers;
    this.#births = births;
    this.#openStatus = openStatus;
  }

  /** Starts an attendant for this generation, if it has hooks that watch. Returns something in the new process only. */
  attend(generation: number, settings: PlainSettings | null): Newcomer | undefined {
    if (this.#attendant !== undefined && this.#attendant.peer.generation !== generation) this.dismiss();
    if (this.#attendant !== undefined || settings?.watches !== true) return undefined;
    const ends = new Int32Array(2);
    // No descriptor is left: it is tried again when something has happened.
    if (binding.process_socketpair(ends) < 0) return undefined;
    const [own = -1, others = -1] = ends;
    const born = this.#births.bear({ role: 'attendant', settings, line: others });
    if (!(born instanceof Error) && 'manager' in born) {
      binding.socket_close(own);
      return born;
    }
    binding.socket_close(others);
    if (born instanceof Error) {
      binding.socket_close(own);
      return undefined;
    }
    const peer = newPeer('attendant', born.pid, generation, born.channel);
    this.#peers.add(peer);
    this.#attendant = { peer, line: own };
    this.#sendStatus(peer);
    return undefined;
  }

  /** Without room for descriptors it serves none. */
  #sendStatus({ channel }: Peer): void {
    try {
      const [shown, ...others] = this.#openStatus();
      channel.trySend({ type: 'status' }, shown === undefined ? [] : [shown, ...others]);
      if (shown !== undefined) closeSync(shown);
    } catch {
      // No descriptor is left.
    }
  }

  /** Never waits: an attendant that is too far behind loses the event. */
  tell(event: object): void {
    if (this.#attendant === undefined) return;
    const text = Buffer.from(`${JSON.stringify(event)}\n`);
    binding.channel_send(this.#attendant.line, text, new Int32Array(0));
  }

  /** The attendant ends when it has called the hooks for all that it was told. */
  dismiss(): void {
    if (this.#attendant === undefined) return;
    binding.socket_close(this.#attendant.line);
    this.#attendant = undefined;
  }

  ended(peer: Peer): void {
    if (peer === this.#attendant?.peer) this.dismiss();
  }

  /** In a child. */
  letGo(): void {
    if (this.#attendant !== undefined) binding.socket_close(this.#attendant.line);
  }
}
