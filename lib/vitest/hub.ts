/** Where the processes of the pool connect to vitest's own process. */
import { mkdtempSync, rmSync } from 'node:fs';
import { createServer, type Server, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { clearTimeout, setTimeout } from '../base/timers';
import { readFrames, writeFrame } from '../testing/frames';
import type { Answer, FromProcess, Order, ToProcess } from './orders';

/** Milliseconds from a fork until the child has connected; forks and starts take a hundredth of it. */
const UNTIL_CONNECTED = 60_000;

/** One process, as vitest's process sees it. */
export class Peer {
  /** Called with what vitest in it says. */
  onVitest: (message: unknown) => void = () => {};
  /** Called when a child of it has ended. */
  onEnded: (pid: number, status: number) => void = () => {};
  /** When it is gone, and all that it has said is read. */
  readonly closed: Promise<void>;
  readonly #socket: Socket;
  readonly #asked: { resolve: (value: unknown) => void; reject: (error: Error) => void }[] = [];
  #isClosed = false;

  constructor(socket: Socket) {
    this.#socket = socket;
    this.closed = new Promise((resolve) => {
      socket.once('close', () => {
        this.#isClosed = true;
        for (const { reject } of this.#asked.splice(0)) reject(new Error('The process has ended'));
        resolve();
      });
    });
  }

  get isClosed(): boolean {
    return this.#isClosed;
  }

  hear(message: FromProcess): void {
    if ('vitest' in message) this.onVitest(message.vitest);
    else if ('ended' in message) this.onEnded(message.ended, message.status);
    else if ('answer' in message) this.#settle(message.answer);
  }

  #settle(answer: Answer): void {
    const asked = this.#asked.shift();
    if (this.#asked.length === 0) this.#socket.unref();
    if ('failed' in answer) asked?.reject(new Error(answer.failed));
    else asked?.resolve(answer.value);
  }

  #write(message: ToProcess): void {
    if (!this.#isClosed) writeFrame(this.#socket, message);
  }

  /** Resolves to the answer. Meanwhile it keeps this process alive, which it does not otherwise. */
  ask(order: Exclude<Order, { order: 'kill' }>): Promise<unknown> {
    if (this.#isClosed) return Promise.reject(new Error('The process has ended'));
    this.#socket.ref();
    return new Promise((resolve, reject) => {
      this.#asked.push({ resolve, reject });
      this.#write(order);
    });
  }

  kill(pid: number, signal: NodeJS.Signals): void {
    this.#write({ order: 'kill', pid, signal });
  }

  /** Throws if it cannot be cloned. */
  tellVitest(message: unknown): void {
    this.#write({ vitest: message });
  }

  ref(): void {
    this.#socket.ref();
  }

  /** It ends: without this process it has nothing to do. */
  dismiss(): void {
    this.#socket.destroy();
  }
}

/** One for a process of vitest's. */
export class Hub {
  readonly path: string;
  readonly #server: Server;
  readonly #expected = new Map<number, (peer: Peer) => void>();
  #lastId = 0;

  private constructor(folder: string) {
    this.path = join(folder, 'socket');
    this.#server = createServer((socket) => this.#welcome(socket)).unref();
    process.once('exit', () => rmSync(folder, { recursive: true, force: true }));
  }

  static async open(): Promise<Hub> {
    // Nobody else may enter the folder.
    const hub = new Hub(mkdtempSync(join(tmpdir(), 'prefork-')));
    await new Promise<void>((resolve, reject) => {
      hub.#server.once('error', reject).listen(hub.path, resolve);
    });
    return hub;
  }

  #welcome(socket: Socket): void {
    const peer = new Peer(socket.unref().on('error', () => {}));
    readFrames(socket, (message) => {
      const said = message as FromProcess;
      if (!('hello' in said)) return peer.hear(said);
      this.#expected.get(said.hello)?.(peer);
      this.#expected.delete(said.hello);
    });
  }

  /** A number under which a process is to connect, and the process when it has. */
  expect(): { id: number; connected: Promise<Peer> } {
    const id = ++this.#lastId;
    const connected = new Promise<Peer>((resolve, reject) => {
      // The timer also keeps this process alive meanwhile.
      const timer = setTimeout(() => {
        this.#expected.delete(id);
        reject(new Error('A process of the pool did not begin in time'));
      }, UNTIL_CONNECTED);
      this.#expected.set(id, (peer) => {
        clearTimeout(timer);
        resolve(peer);
      });
    });
    connected.catch(() => {});
    return { id, connected };
  }
}
