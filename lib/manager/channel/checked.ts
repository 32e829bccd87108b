/** Settings and addresses as they may come from another process: what is not as it should be is not taken. */
import { isIP } from 'node:net';
import { MAX_WORKERS } from '../scoreboard';
import type { Application, Bind, Found, Identity, PlainSettings } from '../settings';
import {
  type Check,
  hasShape,
  isAccount,
  isBoolean,
  isCount,
  isPort,
  isRecordOf,
  isShare,
  isText,
  listOf,
  oneOf,
  orNothing,
  orNull,
} from './shapes';

/** The longest address there is, with the name of an interface behind it (INET6_ADDRSTRLEN, IFNAMSIZ). */
const LONGEST_ADDRESS = 64;

/** A name would have to be looked up, which may take as long as somebody else likes. */
const isAddress: Check = (value) =>
  typeof value === 'string' && value.length <= LONGEST_ADDRESS && isIP(value) !== 0;

const BINDS: Record<string, Record<string, Check>> = {
  tcp: {
    kind: isText,
    port: isPort,
    host: orNull(isAddress),
    ipv6Only: orNothing(isBoolean),
    backlog: orNothing(Number.isSafeInteger),
  },
  unix: { kind: isText, path: isText, mode: orNothing(isCount), backlog: orNothing(Number.isSafeInteger) },
  fd: { kind: isText, fd: isCount },
};

export const isBind: Check = (value) => {
  const { kind } = (value ?? {}) as { kind?: unknown };
  return typeof kind === 'string' && Object.hasOwn(BINDS, kind) && hasShape(value, BINDS[kind] ?? {});
};

/** An address of UDP as it is to be bound: numeric, and a port that is not just any. */
export interface DatagramBind {
  host: string;
  port: number;
  ipv6Only: boolean;
  reuseAddr: boolean;
}

const DATAGRAM_BIND: Record<keyof DatagramBind, Check> = {
  host: isAddress,
  port: (value) => isPort(value) && value !== 0,
  ipv6Only: isBoolean,
  reuseAddr: isBoolean,
};

const RESTART: Record<string, Check> = {
  burst: isCount,
  window: isCount,
  minDelay: isCount,
  maxDelay: isCount,
  limit: orNull(isCount),
};

const APPLICATION: Record<keyof Application, Check> = { path: isText, version: orNull(isText) };

const SETTINGS: Record<keyof PlainSettings, Check> = {
  workers: (value) =>
    value === 'auto' || (isCount(value) && Number(value) >= 1 && Number(value) <= MAX_WORKERS),
  bind: listOf(isBind),
  gracefulTimeout: isCount,
  bootTimeout: isCount,
  hangTimeout: isCount,
  restart: (value) => hasShape(value, RESTART),
  maxRequests: orNull(isCount),
  maxRequestsJitter: isShare,
  maxMemory: orNull(isCount),
  preload: oneOf('auto', 'yes', 'no'),
  loadAsRoot: isBoolean,
  warmup: isBoolean,
  gatherHeap: isBoolean,
  smallYoungGeneration: isBoolean,
  rehearse: listOf(isText),
  balanced: isBoolean,
  sticky: (value) => value === null || value === 'ip',
  user: orNull(isAccount),
  group: orNull(isAccount),
  umask: orNull((value) => isCount(value) && Number(value) <= 0o777),
  socketMode: orNull((value) => isCount(value) && Number(value) <= 0o777),
  socketUser: orNull(isAccount),
  socketGroup: orNull(isAccount),
  name: orNull(isText),
  application: orNull((value) => hasShape(value, APPLICATION)),
  pidFile: orNull(isText),
  cwd: orNull(isText),
  title: orNull(isText),
  logFormat: oneOf('plain', 'pretty', 'json'),
  logWorker: orNull(oneOf('prefix', 'field')),
  status: orNull(isBind),
  statusPublic: isBoolean,
  inspectPort: orNull(isPort),
  watches: isBoolean,
};

/** Whoever reads what is written there checks it, as it does what people write. */
const FOUND: Record<keyof Found, Check> = {
  written: isRecordOf(() => true),
  hooks: listOf(isText),
  addresses: isRecordOf(isAddress),
};

const IDENTITY: Record<keyof Identity, Check> = {
  name: orNull(isText),
  application: (value) => hasShape(value, APPLICATION),
};

export function checkedIdentity(value: unknown): Identity | undefined {
  return hasShape(value, IDENTITY) ? (value as Identity) : undefined;
}

export function checkedFound(value: unknown): Found | undefined {
  return hasShape(value, FOUND) ? (value as Found) : undefined;
}

export function checkedBind(value: unknown): Bind | undefined {
  return isBind(value) ? (value as Bind) : undefined;
}

export function checkedDatagramBind(value: unknown): DatagramBind | undefined {
  return hasShape(value, DATAGRAM_BIND) ? (value as DatagramBind) : undefined;
}

export function checkedSettings(value: unknown): PlainSettings | undefined {
  return hasShape(value, SETTINGS) ? (value as PlainSettings) : undefined;
}
