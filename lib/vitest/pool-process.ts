/** A process of the pool, which may be forked: what vitest's process knows of it. */
import type { Hub, Peer } from './hub';

/** The wait status, if there is anybody who knows it. */
type Status = number | undefined;

interface End {
  promise: Promise<Status>;
  resolve: (status?: number) => void;
}

function anEnd(): End {
  let resolve: End['resolve'] = () => {};
  const promise = new Promise<Status>((done) => {
    resolve = done;
  });
  return { promise, resolve };
}

export class PoolProcess {
  readonly peer: Peer;
  /** When it has ended and is reaped. */
  readonly ended: Promise<Status>;
  readonly kill: (signal: NodeJS.Signals) => void;
  readonly #hub: Hub;
  /** Of its children, by pid: the answer to the fork and the news of the end come in any order. */
  readonly #ends = new Map<number, End>();
  readonly #living = new Set<Promise<Status>>();

  constructor(hub: Hub, peer: Peer, ended: Promise<Status>, kill: (signal: NodeJS.Signals) => void) {
    this.#hub = hub;
    this.peer = peer;
    this.ended = ended;
    this.kill = kill;
    peer.onEnded = (pid, status) => this.#endOf(pid).resolve(status);
    // With it, its children end; nobody is left to tell of them.
    peer.closed.then(() => {
      for (const { resolve } of this.#ends.values()) resolve();
    });
  }

  #endOf(pid: number): End {
    const known = this.#ends.get(pid);
    const end = known ?? anEnd();
    if (known === undefined) this.#ends.set(pid, end);
    else this.#ends.delete(pid);
    return end;
  }

  /** A child of it, which has all that it has. Rejects if it cannot be forked. */
  async fork(): Promise<PoolProcess> {
    const { id, connected } = this.#hub.expect();
    const pid = (await this.peer.ask({ order: 'fork', id })) as number;
    const ended = this.#endOf(pid).promise;
    this.#living.add(ended);
    ended.then(() => this.#living.delete(ended));
    const early = ended.then((): never => {
      throw new Error('A process of the pool ended before it began');
    });
    early.catch(() => {});
    const peer = await Promise.race([connected, early]);
    return new PoolProcess(this.#hub, peer, ended, (signal) => this.peer.kill(pid, signal));
  }

  /** Ends it, when its children have ended. */
  async retire(): Promise<void> {
    await Promise.all(this.#living);
    this.peer.dismiss();
  }
}
