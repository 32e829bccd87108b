/**
 * Three ways to a new worker: a template forks it; the manager does, and it loads the application by itself; or it is the
 * process that has loaded the application already.
 */
import { binding } from '../../base/binding';
import { Channel } from '../channel/channel';
import type { Post } from '../channel/messages';
import type { Newcomer } from '../place';
import type { Action, Event } from '../policy';
import { Row } from '../scoreboard';
import type { WorkerInfo } from '../settings';
import { findUser } from '../system/privileges';
import { userOf } from '../system/process-facts';
import { type Asked, about, socketsFor } from './addresses';
import type { Births } from './births';
import { type ForkAsked, type Generation, settingsOf } from './generation';
import { newPeer, type Peer, type Peers } from './peers';

interface Dependencies {
  peers: Peers;
  generations: ReadonlyMap<number, Generation>;
  births: Births;
  tell(event: Event): void;
  /** A worker had ended before it was said that it is one. */
  ended(worker: Peer, status: number): void;
}

export class NewWorkers {
  readonly #peers: Peers;
  readonly #generations: ReadonlyMap<number, Generation>;
  readonly #births: Births;
  readonly #tell: Dependencies['tell'];
  readonly #ended: Dependencies['ended'];
  /** Children that ended before it was said that they are workers. */
  readonly #strangers = new Map<number, number>();

  constructor({ peers, generations, births, tell, ended }: Dependencies) {
    this.#peers = peers;
    this.#generations = generations;
    this.#births = births;
    this.#tell = tell;
    this.#ended = ended;
  }

  /** Returns something in the new process only. */
  fork({ id, generation: number, restarts }: Action & { type: 'fork' }): Newcomer | undefined {
    const generation = this.#generations.get(number);
    const worker = { id, generation: number, restarts };
    const row = this.#freeRow();
    if (generation === undefined || row === undefined) {
      this.#tell({
        type: 'fork failed',
        id,
        generation: number,
        reason: 'too many workers',
        killed: false,
      });
      return undefined;
    }
    const isReplacing = this.#peers.workers().some((other) => other.worker?.id === id);
    row.take(worker);
    const post: Post = { worker, row: row.index, isReplacing };
    if (!generation.isShared && !generation.isIdle) return this.#forkAlone(generation, post, row);
    try {
      if (generation.isShared) this.#askToFork(generation, post, row);
      else this.#becomesWorker(generation, post, row);
    } catch (error) {
      row.free();
      const reason = error instanceof Error ? error.message : String(error);
      this.#tell({ type: 'fork failed', id, generation: number, reason, killed: false });
    }
    return undefined;
  }

  /** A template reports a worker. Returns in what that breaks the protocol; undefined: it does not. */
  forked(peer: Peer, generation: Generation, pid: number): string | undefined {
    const asked = peer === generation.template ? generation.asked.shift() : undefined;
    if (asked === undefined) return 'answered a fork that it was not asked for';
    const status = this.#strangers.get(pid);
    const isMine =
      status !== undefined ||
      (binding.supervise_has_child(pid) && this.#peers.get(pid) === undefined && mayBeOf(generation, pid));
    if (!isMine) {
      this.#forkFailed(asked, `its template claims process ${pid}, which it cannot have forked`, false);
      return `claims to have forked process ${pid}`;
    }
    const worker = this.#enter(pid, generation, asked.post, asked.row, asked.channel, new Map(peer.asked));
    worker.alsoAsked = new Set(peer.alsoAsked);
    worker.tried = new Map(peer.tried);
    if (status !== undefined) {
      this.#strangers.delete(pid);
      this.#ended(worker, status);
    }
    return undefined;
  }

  /** A template reports that it could not fork one. Returns as `forked` does. */
  notForked(peer: Peer, generation: Generation, reason: string, killed: boolean): string | undefined {
    const asked = peer === generation.template ? generation.asked.shift() : undefined;
    if (asked === undefined) return 'answered a fork that it was not asked for';
    this.#forkFailed(asked, reason, killed);
    return undefined;
  }

  /** The workers that its template was asked for will not come. */
  templateEnded(generation: Generation): void {
    for (const asked of generation.asked) this.#forkFailed(asked, 'its template has ended', true);
    generation.asked = [];
  }

  /** A child that is no peer has ended: a template may still report it as a worker. */
  strangerEnded(pid: number, status: number): void {
    const mayBeWorker = [...this.#generations.values()].some(({ asked }) => asked.length > 0);
    if (mayBeWorker) this.#strangers.set(pid, status);
    else this.#strangers.clear();
  }

  /** In a child. */
  letGo(): void {
    for (const { asked } of this.#generations.values()) for (const { channel } of asked) channel.close();
  }

  #askToFork(generation: Generation, post: Post, row: Row): void {
    const { endpoints, template } = generation;
    const descriptors = socketsFor(endpoints, post.worker.id);
    const [own, others] = Channel.pair();
    const asked: ForkAsked = { post, row, channel: own };
    const message = { type: 'fork', post, sockets: endpoints.map(about) };
    const isSent = template?.channel.trySend(message, [others.fd, ...descriptors]) ?? false;
    others.close();
    if (isSent) generation.asked.push(asked);
    else this.#forkFailed(asked, 'its template does not answer', true);
  }

  #enter(pid: number, { number }: Generation, post: Post, row: Row, channel: Channel, asked: Asked): Peer {
    const worker: WorkerInfo = { ...post.worker, pid };
    const peer = newPeer('worker', pid, number, channel);
    Object.assign(peer, { worker, row, asked });
    this.#peers.add(peer);
    row.set('pid', pid);
    this.#tell({ type: 'forked', worker, chance: Math.random() });
    return peer;
  }

  #forkFailed({ post, row, channel }: ForkAsked, reason: string, killed: boolean): void {
    channel.close();
    row.free();
    const { id, generation } = post.worker;
    this.#tell({ type: 'fork failed', id, generation, reason, killed });
  }

  /** The process that has loaded the application, and cannot be shared, is not loaded once more. */
  #becomesWorker(generation: Generation, post: Post, row: Row): void {
    const peer = generation.template;
    generation.isIdle = false;
    if (peer === null) {
      this.#tell({
        type: 'fork failed',
        ...post.worker,
        reason: 'its template has ended',
        killed: true,
      });
      row.free();
      return;
    }
    const sockets = generation.endpoints;
    const passed = socketsFor(sockets, post.worker.id);
    peer.channel.send({ type: 'become', post, sockets: sockets.map(about) }, passed);
    generation.template = null;
    const worker: WorkerInfo = { ...post.worker, pid: peer.pid };
    Object.assign(peer, { role: 'worker', worker, row });
    row.set('pid', peer.pid);
    this.#tell({ type: 'forked', worker, chance: Math.random() });
  }

  #forkAlone(generation: Generation, post: Post, row: Row): Newcomer | undefined {
    const born = this.#births.bear({ role: 'worker', settings: generation.settings, post });
    if (born instanceof Error) {
      row.free();
      const { code } = born as NodeJS.ErrnoException;
      const killed = code === 'ERR_PREFORK_CHILD_KILLED';
      this.#tell({ type: 'fork failed', ...post.worker, reason: born.message, killed });
      return undefined;
    }
    if ('manager' in born) return born;
    this.#enter(born.pid, generation, post, row, born.channel, new Map());
    return undefined;
  }

  #freeRow(): Row | undefined {
    const taken = new Set(this.#peers.all().map(({ row }) => row?.index));
    for (const { asked } of this.#generations.values()) for (const { row } of asked) taken.add(row.index);
    for (let index = 0; index < Row.count; index++) if (!taken.has(index)) return new Row(index);
    return undefined;
  }
}

/**
 * Whether a process can be one of this generation's. Process 1 of a container has other children, too: whom their parents have
 * left, root's among them. A template without root's rights has forked none of those.
 */
function mayBeOf(generation: Generation, pid: number): boolean {
  const { user, loadAsRoot } = settingsOf(generation);
  const own = user === null || loadAsRoot ? undefined : userOf(pid);
  return own === undefined || user === null || own === findUser(user).uid;
}
