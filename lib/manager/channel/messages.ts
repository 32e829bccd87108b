/**
 * What is said over a channel. The manager believes nothing that it has not checked here, for shape, and in what it does
 * with it, for sense: see "What a lying peer can do" in ARCHITECTURE.md.
 */
import type { AddressInfo } from 'node:net';
import type { Bind, Found, Identity, WorkerInfo } from '../settings';
import {
  checkedBind,
  checkedDatagramBind,
  checkedFound,
  checkedIdentity,
  type DatagramBind,
} from './checked';

/** From a template or a worker to the manager. */
export type ToManager =
  /** Of the process that reads the configuration, once: what it has found there, or why there is nothing to be had. */
  | { type: 'found'; found: Found }
  | { type: 'not found'; why: string }
  /** Answered at once. */
  | { type: 'listen'; bind: Bind }
  /** Answered at once: whether a server could listen there. */
  | { type: 'try'; bind: Bind & { kind: 'tcp' } }
  /** Answered at once: the socket comes along. */
  | { type: 'datagrams'; bind: DatagramBind; index: number }
  /** A template, once: what it is about to load, for people. */
  | { type: 'identity'; identity: Identity }
  /** A template that is not to load the application: it waits to be made a worker. */
  | { type: 'idle' }
  /** A template: workers can be forked. */
  | { type: 'loaded' }
  /** A template: it is not to be shared, because this is open. It waits to be made a worker. */
  | Unsharable
  /** A template's answers to `fork`, in the same order. */
  | { type: 'forked'; pid: number }
  | { type: 'not forked'; reason: string; killed: boolean }
  | { type: 'ready' }
  /** A worker: nothing is under way in it that may have it listen anywhere else. */
  | { type: 'settled' }
  | { type: 'stopping' }
  /**
   * Of a program that is to take the manager's process over, once, before it runs anything of the user's. `first`: what Node is
   * to load before all others.
   */
  | { type: 'trial'; what: string; first: string | null }
  /** How its trial ends. */
  | { type: 'can start' }
  | { type: 'cannot start'; why: string };

/** What a template may have open. */
export const UNSHARABLE = ['connections', 'helper processes', 'connections and helper processes'] as const;

export interface Unsharable {
  type: 'unsharable';
  what: (typeof UNSHARABLE)[number];
  /** A line for each. */
  things: string;
  /** What loading the application has taken: what each worker takes that does so by itself. */
  milliseconds: number;
  bytes: number;
}

/** Where a worker stands: its line of the scoreboard, its id, and so on. */
export interface Post {
  worker: Omit<WorkerInfo, 'pid'>;
  row: number;
  /** It takes the place of another one, and is to say when it is settled. */
  isReplacing: boolean;
}

/** How a request to listen ends. The sockets come along, in this order, if a worker has asked. */
export type Answer =
  | { type: 'bound'; sockets: SocketAbout[] }
  | NotBound
  /** The manager does not do this for it: it may try with its own rights. */
  | { type: 'refused' };

/** With the error that `listen` has. */
export interface NotBound {
  type: 'not bound';
  bind: Bind;
  error: ListenError;
}

export interface SocketAbout {
  /** Inherited by the manager: its owner keeps it, so it must stay unchanged. */
  isLent: boolean;
}

export interface ListenError {
  message: string;
  code: string;
  errno?: number | undefined;
  syscall?: string | undefined;
  address?: string | undefined;
  port?: number | undefined;
}

/** From the manager. */
export type FromManager =
  | Answer
  /** It could, and would have this address. */
  | { type: 'free'; address: AddressInfo }
  | { type: 'not free'; error: ListenError }
  | { type: 'datagrams' }
  | { type: 'no datagrams'; code: string }
  /** To a template: with the worker's channel and its sockets. */
  | { type: 'fork'; post: Post; sockets: SocketAbout[] }
  /** To a template that is not to be shared: it becomes that worker itself. With its sockets. */
  | { type: 'become'; post: Post; sockets: SocketAbout[] }
  /** To a template: log files have been opened anew for the `count`th time; these are they, instead of `descriptors`. */
  | { type: 'logs'; count: number; descriptors: number[] };

const LONGEST_TEXT = 8192;
/** What is handed over to another program must fit there. */
const LONGEST_NAME = 256;
/** Sockets on one address. */
const MOST_ALIKE = 128;

/** Undefined: no message that there can be. */
export function checkedMessage(message: unknown): ToManager | undefined {
  if (typeof message !== 'object' || message === null) return undefined;
  const { type, ...fields } = message as { type?: unknown } & Record<string, unknown>;
  switch (type) {
    case 'can start':
    case 'idle':
    case 'loaded':
    case 'ready':
    case 'settled':
    case 'stopping':
      return { type };
    case 'trial': {
      const { what, first } = fields;
      return isText(what, LONGEST_NAME) && (first === null || isText(first))
        ? { type, what, first }
        : undefined;
    }
    case 'cannot start':
      return isText(fields['why']) ? { type, why: fields['why'] } : undefined;
    case 'found': {
      const found = checkedFound(fields['found']);
      return found === undefined ? undefined : { type, found };
    }
    case 'identity': {
      const identity = checkedIdentity(fields['identity']);
      return identity === undefined ? undefined : { type, identity };
    }
    case 'not found':
      return isText(fields['why']) ? { type, why: fields['why'] } : undefined;
    case 'listen': {
      const bind = checkedBind(fields['bind']);
      return bind === undefined ? undefined : { type, bind };
    }
    case 'try': {
      const bind = checkedBind(fields['bind']);
      return bind?.kind === 'tcp' ? { type, bind } : undefined;
    }
    case 'datagrams': {
      const { index } = fields;
      const bind = checkedDatagramBind(fields['bind']);
      return bind !== undefined && isAmount(index) && index <= MOST_ALIKE ? { type, bind, index } : undefined;
    }
    case 'unsharable': {
      const { things, milliseconds, bytes } = fields;
      const what = UNSHARABLE.find((each) => each === fields['what']);
      return what !== undefined && isText(things) && isAmount(milliseconds) && isAmount(bytes)
        ? { type, what, things, milliseconds, bytes }
        : undefined;
    }
    case 'forked': {
      const { pid } = fields;
      return typeof pid === 'number' && Number.isInteger(pid) && pid > 1 && pid < 2 ** 31
        ? { type, pid }
        : undefined;
    }
    case 'not forked': {
      const { reason, killed } = fields;
      return isText(reason) && typeof killed === 'boolean' ? { type, reason, killed } : undefined;
    }
    default:
      return undefined;
  }
}

function isText(value: unknown, longest = LONGEST_TEXT): value is string {
  return typeof value === 'string' && value.length <= longest;
}

function isAmount(value: unknown): value is number {
  return Number.isSafeInteger(value) && Number(value) >= 0;
}
