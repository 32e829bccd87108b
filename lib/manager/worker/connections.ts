/** A worker's connections: on which of them an answer is owed, which wait for a request, and which simply go on. */
import type { Server as HttpServer, IncomingMessage, ServerResponse } from 'node:http';
import type { Server, Socket } from 'node:net';
import { printable } from '../../base/printable';
import { monotonic } from '../../base/timers';

/**
 * `asked`: a request waits for its answer, or the answer is not all out. `idle`: neither. `lasting`: by its nature it goes
 * on until one side has had enough (WebSocket, events, remote procedure calls that stream, protocols other than HTTP).
 */
export type Use = 'asked' | 'idle' | 'lasting';

export interface Http2Stream {
  sentHeaders?: Record<string, unknown>;
  /** 0: it has come to its end. */
  readonly rstCode?: number;
  session?: Http2Session;
  once(event: 'close', listener: () => void): void;
}

/** When a stream began, and what it asks for. */
export interface StreamStart {
  at: number;
  headers: Record<string, unknown>;
}

export interface Http2Session {
  readonly socket?: Socket;
  /** Its first frame, which has the settings, has not been answered: perhaps it is not even out. */
  readonly pendingSettingsAck: boolean;
  readonly destroyed: boolean;
  /** Calls back when the other side has answered, or with an error if it cannot any more. */
  ping(answered: (error: Error | null) => void): boolean;
  close(): void;
  destroy(): void;
  on(event: 'close', listener: () => void): void;
  once(event: 'localSettings', listener: () => void): void;
}

/** What lib/_http_server.js keeps on a socket: its parser, and the response that is being written. */
interface HttpSocket extends Socket {
  parser?: object | null;
  _httpMessage?: (ServerResponse & { _header?: string | null }) | null;
}

/** On a response: when its request came. */
const CAME = Symbol('came');

interface Timed extends ServerResponse {
  [CAME]?: number;
}

export function noteCame(response: ServerResponse): void {
  (response as Timed)[CAME] = monotonic();
}

/** undefined: before anybody noted it. */
export function cameAt(response: ServerResponse): number | undefined {
  return (response as Timed)[CAME];
}

/** Calls without an end and calls that are answered at once look alike: by then the latter have been. */
const LONGEST_CALL = 1000;

const EVENTS = /^content-type: *text\/event-stream/im;

/** A request that waits for its answer. */
export interface AskedFor {
  /** Method and path; `?…` stands for what may be secret. */
  name: string;
  cameAt: number | undefined;
}

export class Connection {
  /** As it was accepted. */
  readonly socket: Socket;
  readonly acceptedAt = monotonic();
  /** What its protocol is spoken on: the socket itself, or what TLS makes of it once hands are shaken. */
  talk: HttpSocket | undefined;
  session: Http2Session | undefined;
  /** Of the session. */
  readonly streams = new Map<Http2Stream, StreamStart>();

  constructor(socket: Socket, isPlain: boolean) {
    this.socket = socket;
    if (isPlain) this.talk = socket as HttpSocket;
  }

  get server(): Server | undefined {
    const { server } = this.socket as unknown as { server?: Server };
    return server;
  }

  get response(): ServerResponse | undefined {
    return this.talk?._httpMessage ?? undefined;
  }

  get use(): Use {
    if (this.session !== undefined) return this.#useOfSession();
    const { server, talk } = this;
    if (server === undefined || !speaksAnyHttp(server)) return 'lasting';
    if (talk === undefined) return 'idle'; // TLS, with hands not shaken
    const message = talk._httpMessage;
    if (message) return EVENTS.test(message._header ?? '') ? 'lasting' : 'asked';
    return isUpgraded(talk) ? 'lasting' : 'idle';
  }

  /** Each request that waits for its answer. */
  get asked(): AskedFor[] {
    if (this.use !== 'asked') return [];
    if (this.session === undefined) {
      const { response } = this;
      return response === undefined ? [] : [inHand(response.req.method, response.req.url, cameAt(response))];
    }
    return [...this.streams.values()].map(({ at, headers }) =>
      inHand(headers[':method'], headers[':path'], at),
    );
  }

  /** No byte of a request has come on it. */
  get isFresh(): boolean {
    return this.talk === undefined || this.talk.bytesRead === 0;
  }

  #useOfSession(): Use {
    if (this.streams.size === 0) return 'idle';
    return [...this.streams].every(([stream, { at }]) => isLasting(stream, at)) ? 'lasting' : 'asked';
  }
}

const LONGEST_PATH = 200;
const LONGEST_NAME = 250;

function inHand(method: unknown, url: unknown, cameAt: number | undefined): AskedFor {
  const path = String(url ?? '').replace(/\?.*/s, '?…');
  const shown = path.length > LONGEST_PATH ? `${path.slice(0, LONGEST_PATH)}…` : path;
  const name = printable(`${method} ${shown}`).slice(0, LONGEST_NAME);
  return { name, cameAt };
}

function isLasting({ sentHeaders }: Http2Stream, since: number): boolean {
  const type = String(sentHeaders?.['content-type'] ?? '');
  if (type.startsWith('text/event-stream')) return true;
  return type.startsWith('application/grpc') && monotonic() - since > LONGEST_CALL;
}

/** Node takes its parser away when it hands the socket over ('upgrade', 'connect'). */
function isUpgraded(talk: HttpSocket): boolean {
  return (talk.parser ?? null) === null && !talk.destroyed;
}

/** Also with TLS. Asking for the classes would load http and tls into programs that use neither. */
export function speaksHttp(server: Server): server is HttpServer {
  return 'closeIdleConnections' in server;
}

/** Node exports no class of them to ask for; no other server has this method. */
export function speaksHttp2(server: Server): boolean {
  return 'updateSettings' in server;
}

function speaksAnyHttp(server: Server): boolean {
  return speaksHttp(server) || speaksHttp2(server);
}

/** Its 'secureConnection' gives what the protocol is spoken on. */
export function usesTls(server: Server): boolean {
  return 'setSecureContext' in server;
}

/** The message of the diagnostics channel `http.server.request.start`. */
export interface RequestStart {
  request: IncomingMessage;
  response: ServerResponse;
  socket: HttpSocket;
}
