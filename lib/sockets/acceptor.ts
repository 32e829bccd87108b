import { constants } from 'node:os';
import { binding, type Endpoint, type NativeAcceptor } from '../base/binding';
import { systemError } from '../base/errors';
import type { ListeningSocket } from './listening-socket';

const { EMFILE, ENFILE, ENOBUFS, ENOMEM } = constants.errno;

/**
 * Out of descriptors or memory. The connection stays in the queue, so the descriptor stays readable and
 * the loop would spin; a sibling that shares the socket may well have room for it.
 */
const EXHAUSTED = new Set([-EMFILE, -ENFILE, -ENOBUFS, -ENOMEM]);

/** Milliseconds to leave the queue alone when exhausted (asyncio's ACCEPT_RETRY_DELAY). */
const RETRY_DELAY = 1000;

export interface AcceptorEvents {
  /** A connection: its descriptor, which is now the receiver's to close, and its other end. */
  connection(fd: number, peer: Endpoint): void;
  /** accept(2) failed for good with `-errno`; the acceptor has stopped. */
  failure(negativeErrno: number): void;
}

/** Accepts the connections of one listening socket on this process's event loop, until stopped. */
export class Acceptor {
  readonly #socket: ListeningSocket;
  readonly #events: AcceptorEvents;
  readonly #forget: () => void;
  #watching: NativeAcceptor | undefined;
  #retry: NodeJS.Timeout | undefined;
  #keepsAlive = true;

  /** @throws SystemError accept `EEXIST`: this process accepts on the socket already; `EBADF`: it is closed. */
  constructor(socket: ListeningSocket, events: AcceptorEvents) {
    this.#socket = socket;
    this.#events = events;
    this.#watch();
    this.#forget = socket.beforeClose(() => this.stop());
  }

  stop(): void {
    this.#pause();
    clearTimeout(this.#retry);
    this.#forget();
  }

  ref(): void {
    this.#keepAlive(true);
  }

  unref(): void {
    this.#keepAlive(false);
  }

  #keepAlive(alive: boolean): void {
    this.#keepsAlive = alive;
    if (this.#watching) binding.accept_keep_alive(this.#watching, alive);
    if (alive) this.#retry?.ref();
    else this.#retry?.unref();
  }

  #watch(): void {
    const started = binding.accept_start(this.#socket.fd, (fd, peer) => this.#accepted(fd, peer));
    if (typeof started === 'number') throw systemError(started, 'accept');
    this.#watching = started;
    binding.accept_keep_alive(started, this.#keepsAlive);
  }

  #pause(): void {
    if (this.#watching) binding.accept_stop(this.#watching);
    this.#watching = undefined;
  }

  #accepted(fd: number, peer: Endpoint | undefined): void {
    if (peer) this.#events.connection(fd, peer);
    else if (EXHAUSTED.has(fd)) this.#rest(fd);
    else this.#fail(fd);
  }

  #rest(negativeErrno: number): void {
    const { message } = systemError(negativeErrno, 'accept');
    process.emitWarning(`${message}: no connection is accepted for ${RETRY_DELAY / 1000} s`, 'AcceptWarning');
    this.#pause();
    this.#retry = setTimeout(() => this.#watch(), RETRY_DELAY);
    if (!this.#keepsAlive) this.#retry.unref();
  }

  #fail(negativeErrno: number): void {
    this.stop();
    this.#events.failure(negativeErrno);
  }
}
