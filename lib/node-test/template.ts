/** A template: the process that test files are forked from, as the process of node:test's runner knows it. */
import { spawn } from 'node:child_process';
import { closeSync } from 'node:fs';
import { Socket } from 'node:net';
import { join } from 'node:path';
import { sendFds, socketpair } from '../os';
import { readFrames, writeFrame } from '../testing/frames';
import { signalName, WEXITSTATUS, WIFSIGNALED, WTERMSIG } from '../wait/status';
import { apart } from './intercept';
import type { Ended, Entry, FromTemplate, Order } from './orders';

const PROGRAM = join(__dirname, 'inside', 'main.mjs');

/** What a process is started with, other than its file: where that is the same, files are forked from the same template. */
export interface Kind {
  execPath: string;
  execArgv: readonly string[];
  cwd: string | undefined;
  env: Readonly<Record<string, string>>;
}

/** A process that runs a file. */
export interface Child {
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

export class Template {
  readonly #socket: Socket;
  /** The way for descriptors. */
  readonly #channel: number;
  readonly #asked: Asked[] = [];
  /** What is to be done when a child of it has ended, by pid. */
  readonly #living = new Map<number, (ended: Ended) => void>();
  #isRetired = false;
  #isClosed = false;

  private constructor(socket: Socket, channel: number) {
    this.#socket = socket;
    this.#channel = channel;
    socket.on('error', () => {}).once('close', () => this.#close());
    readFrames(socket, (message) => this.#hear(message as FromTemplate));
  }

  /** What becomes of the start is the answer to the first order. */
  static start({ execPath, execArgv, cwd, env }: Kind): Template {
    const [orders, theirOrders] = socketpair();
    const [descriptors, theirDescriptors] = socketpair();
    const child = apart(() =>
      spawn(execPath, [...execArgv, PROGRAM], {
        cwd,
        env,
        stdio: ['ignore', 'pipe', 'pipe', theirOrders, theirDescriptors],
      }),
    );
    closeSync(theirOrders);
    closeSync(theirDescriptors);
    // What modules print before any file is the output of no test.
    child.stdout?.resume();
    child.stderr?.on('data', (chunk) => process.stderr.write(chunk));
    for (const pipe of [child.stdout, child.stderr]) (pipe as Socket | null)?.unref();
    child.on('error', () => {}).unref();
    return new Template(new Socket({ fd: orders }).unref(), descriptors);
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
  #ask<T>(order: Order, made: (value: unknown) => T): Promise<T> {
    if (this.#isClosed) return Promise.reject(new Error(GONE));
    const answer = new Promise<T>((resolve, failed) => {
      this.#asked.push({ answered: (value) => resolve(made(value)), failed });
    });
    writeFrame(this.#socket, order);
    this.#keepAlive();
    return answer;
  }

  /** Resolves to a reason against it, if there is one. */
  ask(order: Extract<Order, { order: 'begin' | 'preload' }>): Promise<string | undefined> {
    return this.#ask(order, (value) => value as string | undefined);
  }

  /** A process that runs a file with these descriptors, which stay open here, as its standard streams. */
  async run(entry: Entry, streams: readonly number[]): Promise<Child> {
    if (this.#isClosed) throw new Error(GONE);
    // On a stream socket descriptors come with a byte.
    sendFds(this.#channel, [Buffer.alloc(1)], streams);
    return this.#ask({ order: 'run', entry }, (value) => {
      const pid = value as number;
      const ended = new Promise<Ended>((resolve) => this.#living.set(pid, resolve));
      return { kill: (signal) => this.#kill(pid, signal), ended };
    });
  }

  #kill(pid: number, signal: number): void {
    if (!this.#isClosed) writeFrame(this.#socket, { order: 'kill', pid, signal } satisfies Order);
  }

  /** It ends when nothing of it is awaited. */
  retire(): void {
    this.#isRetired = true;
    this.#keepAlive();
  }
}
