/** Settings and addresses as they may come from another process: what is not as it should be is not taken. */
import { isIP } from 'node:net';
import { MAX_WORKERS } from '../scoreboard';
import type { Bind, PlainSettings } from '../settings';

type Check = (value: unknown) => boolean;

const LONGEST_TEXT = 4096;
const MOST_ADDRESSES = 64;

const isBoolean: Check = (value) => typeof value === 'boolean';
const isText: Check = (value) => typeof value === 'string' && value.length <= LONGEST_TEXT;
const isCount: Check = (value) => Number.isSafeInteger(value) && Number(value) >= 0;
const isShare: Check = (value) => typeof value === 'number' && value >= 0 && value <= 1;
const isAccount: Check = (value) => isText(value) || isCount(value);
const isPort: Check = (value) => isCount(value) && Number(value) <= 65535;
const orNull =
  (check: Check): Check =>
  (value) =>
    value === null || check(value);
const orNothing =
  (check: Check): Check =>
  (value) =>
    value === undefined || check(value);
const listOf =
  (check: Check): Check =>
  (value) =>
    Array.isArray(value) && value.length <= MOST_ADDRESSES && value.every(check);
const oneOf =
  (...values: unknown[]): Check =>
  (value) =>
    values.includes(value);

function hasShape(value: unknown, shape: Record<string, Check>): boolean {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return false;
  const fields = value as Record<string, unknown>;
  return (
    Object.keys(fields).every((name) => Object.hasOwn(shape, name)) &&
    Object.entries(shape).every(([name, check]) => check(fields[name]))
  );
}

const BINDS: Record<string, Record<string, Check>> = {
  tcp: {
    kind: isText,
    port: isPort,
    // A name would have to be looked up, which may take as long as somebody else likes.
    host: orNull((value) => typeof value === 'string' && isIP(value) !== 0),
    ipv6Only: orNothing(isBoolean),
    backlog: orNothing(Number.isSafeInteger),
  },
  unix: { kind: isText, path: isText, mode: orNothing(isCount), backlog: orNothing(Number.isSafeInteger) },
  fd: { kind: isText, fd: isCount },
};

const isBind: Check = (value) => {
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
  host: (value) => typeof value === 'string' && isIP(value) !== 0,
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
  smallYoungGeneration: isBoolean,
  rehearse: listOf(isText),
  balanced: isBoolean,
  user: orNull(isAccount),
  group: orNull(isAccount),
  umask: orNull((value) => isCount(value) && Number(value) <= 0o777),
  socketMode: orNull((value) => isCount(value) && Number(value) <= 0o777),
  socketUser: orNull(isAccount),
  socketGroup: orNull(isAccount),
  pidFile: orNull(isText),
  cwd: orNull(isText),
  title: orNull(isText),
  logFormat: oneOf('plain', 'pretty', 'json'),
  inspectPort: orNull(isPort),
  watches: isBoolean,
};

export function checkedBind(value: unknown): Bind | undefined {
  return isBind(value) ? (value as Bind) : undefined;
}

export function checkedDatagramBind(value: unknown): DatagramBind | undefined {
  return hasShape(value, DATAGRAM_BIND) ? (value as DatagramBind) : undefined;
}

export function checkedSettings(value: unknown): PlainSettings | undefined {
  return hasShape(value, SETTINGS) ? (value as PlainSettings) : undefined;
}
