/**
 * Connections that nobody waits for: those that Node's agents keep for a next request (`http.get`, `fetch`), and those that
 * are being closed. An application that has read its configuration over the network has some when it begins to listen.
 */
import { subscribe, unsubscribe } from 'node:diagnostics_channel';
import type { Agent, ClientRequest } from 'node:http';
import { Socket } from 'node:net';
import { delay, monotonic, nextTurn } from '../../base/timers';

/** How long the other side of a connection may take to close it, too. */
const LINGER = 1000;
/** Turns of the loop in which what has just been told to close begins to. */
const TURNS = 4;
const INTERVAL = 5;

interface HandleInternals {
  _handle: { hasRef(): boolean } | null;
}

/** Notes the agents of `node:http`, and the connections of fetch (undici, in Node or from npm), by the channels of both. */
export class IdleConnections {
  readonly #agents = new Set<Agent>();
  readonly #sockets = new Set<Socket>();

  watch(): void {
    subscribe('http.client.request.start', this.#noteAgent);
    subscribe('undici:client:connected', this.#noteSocket);
  }

  /** A worker keeps what it opens. */
  leave(): void {
    unsubscribe('http.client.request.start', this.#noteAgent);
    unsubscribe('undici:client:connected', this.#noteSocket);
    this.#agents.clear();
    this.#sockets.clear();
  }

  /** As if their servers had: the next request opens another one. */
  close(): void {
    for (const { freeSockets } of this.#agents) {
      for (const socket of Object.values(freeSockets).flat()) socket?.destroy();
    }
    for (const socket of this.#sockets) if (isKeptIdle(socket)) socket.destroy();
  }

  /**
   * Closes them, again and again, as long as `isOpen` and something comes of it: another connection is being closed, or its
   * request may just have come to its end. The promise is fulfilled when nothing more is to be expected.
   */
  async settle(isOpen: () => boolean): Promise<void> {
    const since = monotonic();
    for (let turn = 0; ; turn++) {
      this.close();
      if (!isOpen()) return;
      if (turn < TURNS) await nextTurn();
      else if (areClosing() && monotonic() - since < LINGER) await delay(INTERVAL);
      else return;
    }
  }

  readonly #noteAgent = (message: unknown) => {
    const { agent } = (message as { request: ClientRequest & { agent?: Agent } }).request;
    if (agent !== undefined) this.#agents.add(agent);
  };

  readonly #noteSocket = (message: unknown) => {
    const { socket } = message as { socket: Socket };
    this.#sockets.add(socket);
    socket.once('close', () => this.#sockets.delete(socket));
  };
}

/** undici takes away the reference of a connection on which nothing is asked, so that it keeps no process alive. */
function isKeptIdle(socket: Socket): boolean {
  const { _handle: handle } = socket as unknown as HandleInternals;
  return handle?.hasRef() === false;
}

/** A connection that the application has ended, and the other side has not. */
function areClosing(): boolean {
  const { _getActiveHandles: handles } = process as unknown as { _getActiveHandles(): object[] };
  return handles().some((handle) => handle instanceof Socket && handle.writableEnded);
}
