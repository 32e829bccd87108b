/** A template: the process that test files are forked from, as the process of their runner knows it. */
import type { ChildProcess } from 'node:child_process';
import { closeSync } from 'node:fs';
import { Socket } from 'node:net';
import { sendFds, socketpair } from '../os';
import { signalName, WEXITSTATUS, WIFSIGNALED, WTERMSIG } from '../wait/status';
import { readFrames, writeFrame } from './frames';
import type { Ended, FromTemplate, Order } from './orders';

/** A process that runs a file. */
export interface Child {
  pid: number;
  kill: (signal: number) => void;
  ended: Promise<Ended>;
}

interface Asked {
  answered: (value: unknown) => void;
  failed: (error: Error) => void;
}

const GONE = 'The template has ended';

function endOf(status: number): Ended {
  if (!WIFSIGNALED(status)) return { status: WEXITSTATUS(status), signal: '' };
  return { status: 0, signal: signalName(WTERMSIG(status)) };
}

export class Template<Step, Entry> {
  readonly #socket: Socket;
  /** The way for descriptors. */
  readonly #channel: number;
  readonly #asked: Asked[] = [];
  /** What is to be done when a child of it has ended, by pid. */
  readonly #living = new Map<number, (ended: Ended) => void>();
  #isRetired = false;
  #isClosed = false;

  /**
   * `spawn` starts its program (`inside/template.ts`) with the descriptors that it is given, as ORDERS and DESCRIPTORS. What
   * becomes of the start is the answer to the first order.
   */
  constructor(spawn: (orders: number, descriptors: number) => ChildProcess) {
    const [orders, theirOrders] = socketpair();
    const [descriptors, theirDescriptors] = socketpair();
    spawn(theirOrders, theirDescriptors)
      .on('error', () => {})
      .unref();
    closeSync(theirOrders);
    closeSync(theirDescriptors);
    this.#channel = descriptors;
    this.#socket = new Socket({ fd: orders }).unref();
    this.#socket.on('error', () => {}).once('close', () => this.#close());
    readFrames(this.#socket, (message) => this.#hear(message as FromTemplate));
  }

  get isClosed(): boolean {
    return this.#isClosed;
  }

  /** With it, its children end. */
  #close(): void {
    this.#isClosed = true;
    closeSync(this.#channel);
    for (const { failed } of this.#asked.splice(0)) failed(new Error(GONE));
    for (const end of this.#living.values()) end({ status: 0, signal: 'SIGKILL' });
    this.#living.clear();
  }

  #hear(message: FromTemplate): void {
    if ('ended' in message) {
      this.#living.get(message.ended)?.(endOf(message.status));
      this.#living.delete(message.ended);
    } else {
      const asked = this.#asked.shift();
      if ('failed' in message.answer) asked?.failed(new Error(message.answer.failed));
      else asked?.answered(message.answer.value);
    }
    this.#keepAlive();
  }

  /** This process goes on while it waits for something of the template's. */
  #keepAlive(): void {
    const isAwaited = this.#asked.length + this.#living.size > 0;
    if (isAwaited) this.#socket.ref();
    else if (this.#isRetired) this.#socket.destroy();
    else this.#socket.unref();
  }

  /** Resolves to what `made` makes of the answer as soon as that has come. */
  #ask<T>(order: Order<Step, Entry>, made: (value: unknown) => T): Promise<T> {
    if (this.#isClosed) return Promise.reject(new Error(GONE));
    const answer = new Promise<T>((resolve, failed) => {
      this.#asked.push({ answered: (value) => resolve(made(value)), failed });
    });
    writeFrame(this.#socket, order);
    this.#keepAlive();
    return answer;
  }

  /** Resolves to a reason against it, if there is one. */
  take(step: Step): Promise<string | undefined> {
    return this.#ask({ order: 'step', step }, (value) => value as string | undefined);
  }

  /** A process that runs a file, and has these descriptors, which stay open here. */
  async run(entry: Entry, descriptors: readonly number[]): Promise<Child> {
    if (this.#isClosed) throw new Error(GONE);
    // On a stream socket descriptors come with a byte.
    sendFds(this.#channel, [Buffer.alloc(1)], descriptors);
    return this.#ask({ order: 'run', entry }, (value) => {
      const pid = value as number;
      const ended = new Promise<Ended>((resolve) => this.#living.set(pid, resolve));
      return { pid, kill: (signal) => this.#kill(pid, signal), ended };
    });
  }

  #kill(pid: number, signal: number): void {
    if (!this.#isClosed)
      writeFrame(this.#socket, { order: 'kill', pid, signal } satisfies Order<Step, Entry>);
  }

  /** It ends when nothing of it is awaited. */
  retire(): void {
    this.#isRetired = true;
    this.#keepAlive();
  }
}
