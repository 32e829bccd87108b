/** What the manager knows of each process that it looks after, in memory that none of them can write to. */
import { binding } from '../../base/binding';
import { bounded, noAnswers, sumOf } from '../answers';
import { Channel } from '../channel/channel';
import { checkedMessage, type ToManager } from '../channel/messages';
import type { Keep } from '../listening/endpoints';
import { Row } from '../scoreboard';
import type { WorkerInfo } from '../settings';
import type { Asked } from './addresses';

export interface Peer {
  pid: number;
  role: 'configuration' | 'template' | 'worker' | 'attendant' | 'trial';
  generation: number;
  channel: Channel;
  /** Of a worker. */
  worker: WorkerInfo | null;
  row: Row | null;
  /** A worker: it said that it is ready, that it will listen nowhere else, and that it is finishing. */
  isReady: boolean;
  isSettled: boolean;
  isStopping: boolean;
  /** It said why nothing can come of it. */
  why: string | undefined;
  /** It has been reaped: its number may be another process's. */
  hasEnded: boolean;
  asked: Asked;
  /** What else it has asked for, by name: sockets of UDP, and addresses that it has to bind by itself. */
  alsoAsked: Set<string>;
  /** What it has looked for, as far as it is to find the same as its siblings. */
  tried: Asked;
  /** Messages in this second, and which second it is. */
  messages: number;
  second: number;
}

export interface HandedPeer
  extends Pick<Peer, 'pid' | 'role' | 'generation' | 'worker' | 'isReady' | 'isSettled' | 'isStopping'> {
  /** -1: it has been closed. */
  channel: number;
  row: number | null;
  asked: [address: string, count: number][];
  alsoAsked: string[];
  tried: [address: string, count: number][];
}

/** No process has a reason to send more. */
const MOST_IN_A_SECOND = 500;
/** The others wait meanwhile. */
const MOST_IN_A_TURN = 16;

export type Heard = { is: 'message'; message: ToManager } | { is: 'wrong'; why: string };

/** The next messages of a peer. The first that is wrong is the last one. */
export function* hear(peer: Peer, now: number): Generator<Heard, void> {
  for (let i = 0; i < MOST_IN_A_TURN && peer.channel.fd !== -1; i++) {
    const received = peer.channel.receive();
    if (received.is === 'nothing') return;
    if (received.is === 'gone') {
      // It will end, or has no more to say: nothing to wake up for.
      peer.channel.close();
      return;
    }
    if (isTooMuch(peer, now)) {
      yield { is: 'wrong', why: `sent more than ${MOST_IN_A_SECOND} messages in a second` };
      return;
    }
    const message = received.is === 'message' ? checkedMessage(received.message) : undefined;
    if (message === undefined) {
      yield { is: 'wrong', why: 'sent an invalid message' };
      return;
    }
    yield { is: 'message', message };
  }
}

function isTooMuch(peer: Peer, now: number): boolean {
  const second = Math.floor(now / 1000);
  peer.messages = peer.second === second ? peer.messages + 1 : 1;
  peer.second = second;
  return peer.messages > MOST_IN_A_SECOND;
}

/** Processes by pid. */
export class Peers {
  readonly #all = new Map<number, Peer>();
  /** How many have come and gone. */
  changes = 0;
  /** Workers that have ended, and what they said they had served. */
  ended = { workers: 0, requests: 0, answers: noAnswers() };
  #descriptors: Int32Array | undefined;

  add(peer: Peer): void {
    this.#all.set(peer.pid, peer);
    this.changes += 1;
  }

  get(pid: number): Peer | undefined {
    return this.#all.get(pid);
  }

  all(): Peer[] {
    return [...this.#all.values()];
  }

  workers(): Peer[] {
    return this.all().filter(({ role }) => role === 'worker');
  }

  /** It has been reaped. */
  remove(peer: Peer): void {
    this.#all.delete(peer.pid);
    this.changes += 1;
    this.#count(peer);
    peer.channel.close();
    peer.row?.free();
  }

  /** Its line is of memory that workers can write to: whatever stands there, the sum stays a number. */
  #count({ row }: Peer): void {
    if (row === null) return;
    const { workers, requests, answers } = this.ended;
    this.ended = {
      workers: workers + 1,
      requests: bounded(requests + Math.floor(row.figures().requests)),
      answers: sumOf(answers, row.answers.read()),
    };
  }

  /** What there is to wait for. */
  descriptors(): Int32Array {
    const open = this.all().flatMap(({ channel }) => (channel.fd === -1 ? [] : channel.fd));
    const same = this.#descriptors;
    if (same?.length === open.length && open.every((fd, index) => fd === same[index])) return same;
    this.#descriptors = Int32Array.from(open);
    return this.#descriptors;
  }

  /** For another program in this process. Trials and readers of the configuration have been given up, or are done. */
  handOver(keep: Keep): HandedPeer[] {
    const lasting = this.all().filter(({ role }) => role !== 'trial' && role !== 'configuration');
    return lasting.map((peer) => ({
      pid: peer.pid,
      role: peer.role,
      generation: peer.generation,
      worker: peer.worker,
      isReady: peer.isReady,
      isSettled: peer.isSettled,
      isStopping: peer.isStopping,
      channel: peer.channel.fd === -1 ? -1 : keep(peer.channel.fd),
      row: peer.row?.index ?? null,
      asked: [...peer.asked],
      alsoAsked: [...peer.alsoAsked],
      tried: [...peer.tried],
    }));
  }

  /** @throws Error: one of them is no child of this process */
  takeOver(handed: readonly HandedPeer[]): void {
    for (const { pid, role, generation, channel, row, asked, alsoAsked, tried, ...rest } of handed) {
      if (!binding.supervise_has_child(pid)) throw new Error(`process ${pid} is no child of this one`);
      const peer = newPeer(role, pid, generation, new Channel(channel));
      Object.assign(peer, rest, {
        row: row === null ? null : new Row(row),
        asked: new Map(asked),
        alsoAsked: new Set(alsoAsked),
        tried: new Map(tried),
      });
      this.add(peer);
    }
  }

  /** In a child. */
  letGo(): void {
    for (const { channel } of this.all()) channel.close();
  }
}

export function newPeer(role: Peer['role'], pid: number, generation: number, channel: Channel): Peer {
  return {
    pid,
    role,
    generation,
    channel,
    worker: null,
    row: null,
    isReady: false,
    isSettled: false,
    isStopping: false,
    why: undefined,
    hasEnded: false,
    asked: new Map(),
    alsoAsked: new Set(),
    tried: new Map(),
    messages: 0,
    second: 0,
  };
}

/** A process that asks for another address each time does not fill the manager's memory, nor what that hands over. */
const MOST_ALSO_ASKED = 128;
/** Longer than that of any address at which somebody can listen (sun_path of unix(7)). */
const LONGEST_NAME = 128;

export function noteAlsoAsked({ alsoAsked }: Peer, name: string): void {
  if (alsoAsked.size < MOST_ALSO_ASKED && name.length <= LONGEST_NAME) alsoAsked.add(name);
}

/** For people. */
export function nameOf({ role, worker }: Peer): string {
  return worker === null ? role : `worker ${worker.id}`;
}
