/**
 * What a manager leaves to the program that takes its process over: one JSON document in a file in memory, and the
 * descriptors that it names. It comes from the same rights as the process itself; it is checked because the two programs
 * may be of different versions.
 */
import { closeSync, fstatSync, readSync, writeSync } from 'node:fs';
import { binding } from '../../base/binding';
import { check, preforkError } from '../../base/errors';
import { checkedSettings, isBind } from '../channel/checked';
import { type Check, hasShape, isBoolean, isCount, isPort, isText, listOf, orNull } from '../channel/shapes';
import type { HandedState } from '../policy';
import { MAX_WORKERS } from '../scoreboard';
import { DEFAULTS, type PlainSettings } from '../settings';
import type { Unwritten } from '../system/log-writer';
import type { HeldPidFile } from '../system/pid-file';
import type { Said } from '../system/status-notifier';
import type { HandedAddress } from './addresses';
import type { HandedDatagrams } from './datagrams';
import type { HandedGeneration } from './generation';
import type { HandedPeer } from './peers';
import type { HandedStatusAddress } from './status-address';

/**
 * To be raised with every change that an older or newer program would not understand: of the document, of the messages of
 * a channel, of the lines of the scoreboard, of what is shown (shown/form.ts). Programs of different versions refuse each other.
 */
export const HANDOVER_VERSION = 10;

export interface Handover {
  version: number;
  /** Which program takes over, for people; empty in a trial. */
  successor: string;
  /** Files in memory. */
  scoreboard: number;
  metrics: number;
  rings: number;
  published: number;
  /** What the names of all bells begin with. */
  bells: string;
  pidFile: HeldPidFile | null;
  /** Not got rid of; by which names standard streams were opened; which of them have been reopened. */
  log: { unwritten: Unwritten; names: [fd: number, name: string][]; reopened: number[] };
  hadTerminal: boolean;
  killedOutOfMemory: number;
  said: Said;
  couldNotBeShared: boolean;
  /** Sockets inherited from the process that started this one. */
  inherited: number[];
  addresses: HandedAddress[];
  statusAddress: HandedStatusAddress | null;
  /** Sockets of UDP; and the ports that were found for those who looked for a free one. */
  datagrams: HandedDatagrams[];
  found: [place: string, port: number][];
  generations: HandedGeneration[];
  peers: HandedPeer[];
  state: HandedState;
}

/** Bytes: what a thousand workers may have asked for, each for all that it may, is the most of it. */
const LONGEST = 64 * 1024 * 1024;
const MOST_ADDRESSES = 1024;
const MOST_PEERS = 4 * MAX_WORKERS;
const MOST_GENERATIONS = MOST_PEERS;
const LONGEST_LOG = 128 * 1024;

// --- Writing and reading ---

/** A descriptor of the document, which is closed on exec. */
export function writeHandover(handover: Handover): number {
  const fd = check(binding.memory_file('prefork-handover', false), 'memfd_create');
  try {
    const bytes = Buffer.from(JSON.stringify(handover));
    for (let at = 0; at < bytes.length; ) at += writeSync(fd, bytes, at, bytes.length - at, at);
    return fd;
  } catch (error) {
    closeSync(fd);
    throw error;
  }
}

/**
 * Reads and closes the document.
 *
 * @throws Error `ERR_PREFORK_UNSUPPORTED`: it is of another version; `ERR_PREFORK_INVALID_ARG_VALUE`: it is none
 */
export function readHandover(fd: number): Handover {
  const { size } = fstatSync(fd);
  if (size > LONGEST) throw wrong(`it has ${size} bytes`);
  const bytes = Buffer.alloc(size);
  const read = readSync(fd, bytes, 0, size, 0);
  closeSync(fd);
  const document = JSON.parse(bytes.toString('utf8', 0, read)) as Handover;
  if (document?.version !== HANDOVER_VERSION) {
    const message =
      `This version of prefork takes over from managers that hand over in form ${HANDOVER_VERSION}, not ` +
      `${document?.version}: restart the service instead`;
    throw preforkError('ERR_PREFORK_UNSUPPORTED', message);
  }
  document.generations = document.generations.map(withKnownSettings);
  for (const [name, isRight] of Object.entries(SHAPE)) {
    if (!isRight(document[name as keyof Handover])) throw wrong(`its ${name} is not as expected`);
  }
  return document;
}

function wrong(why: string): Error {
  return preforkError('ERR_PREFORK_INVALID_ARG_VALUE', `The manager's handover cannot be read: ${why}`);
}

/** All that it names. */
export function descriptorsIn(handover: Handover): number[] {
  const { scoreboard, metrics, rings, published, pidFile, addresses, statusAddress, datagrams, peers } =
    handover;
  const files = [scoreboard, metrics, rings, published, ...(pidFile === null ? [] : [pidFile.fd])];
  const served = [...addresses, ...(statusAddress === null ? [] : [statusAddress])];
  const sockets = served.flatMap(({ sockets: { shared, queues, turns } }) => [
    ...(shared === null ? [] : [shared.fd]),
    ...queues.map(([, fd]) => fd),
    ...(turns === null ? [] : [turns.sockets, turns.order]),
  ]);
  sockets.push(...datagrams.map(({ fd }) => fd));
  return [...files, ...sockets, ...peers.flatMap(({ channel }) => (channel === -1 ? [] : channel))];
}

// --- What it must look like ---

/** Another version may know more settings, or fewer. */
function withKnownSettings(generation: HandedGeneration): HandedGeneration {
  const { settings } = generation;
  if (settings === null) return generation;
  const { hooks: _, ...defaults } = DEFAULTS;
  const known: PlainSettings = { ...defaults, watches: false, application: null };
  for (const name of Object.keys(known)) {
    if (Object.hasOwn(settings, name)) Object.assign(known, { [name]: Reflect.get(settings, name) });
  }
  return { ...generation, settings: known };
}

const isWhole: Check = Number.isSafeInteger;
const isTime: Check = (value) => typeof value === 'number' && Number.isFinite(value);
const isPid: Check = (value) => isCount(value) && Number(value) > 1 && Number(value) < 2 ** 31;
const isDescriptor: Check = (value) => isCount(value) && Number(value) > 2 && Number(value) < 2 ** 30;
const isLongText: Check = (value) => typeof value === 'string' && value.length <= LONGEST_LOG;
const isBig: Check = (value) => typeof value === 'string' && /^\d{1,20}$/.test(value);
const shaped =
  (shape: Record<string, Check>): Check =>
  (value) =>
    hasShape(value, shape);
const pair =
  (first: Check, second: Check): Check =>
  (value) =>
    Array.isArray(value) && value.length === 2 && first(value[0]) && second(value[1]);
const among =
  (...names: string[]): Check =>
  (value) =>
    names.includes(String(value));

const isAccess = shaped({ mode: isCount, uid: orNull(isCount), gid: orNull(isCount) });
/** Without a check of who may connect, as it is when it comes from a template. */
const isBindWithAccess: Check = (value) => {
  const { access, ...bind } = (value ?? {}) as { access?: unknown };
  return isBind(bind) && (access === undefined || isAccess(access));
};

const isWorkerInfo = shaped({ id: isCount, pid: isPid, generation: isCount, restarts: isCount });

const isSockets = shaped({
  shared: orNull(
    shaped({ fd: isDescriptor, file: orNull(shaped({ dev: isBig, ino: isBig, path: isText })) }),
  ),
  queues: listOf(pair(isCount, isDescriptor), MAX_WORKERS),
  turns: orNull(shaped({ sockets: isDescriptor, order: isDescriptor, slots: listOf(isCount, MAX_WORKERS) })),
  byAddress: orNull(listOf(isCount, MAX_WORKERS)),
  isFileRemoved: isBoolean,
});

/** The compiler holds them to the policy's own. */
type ShapeOf<List extends keyof HandedState> = HandedState[List] extends readonly (infer Item)[]
  ? Record<keyof Item, Check>
  : never;

const TEMPLATE: ShapeOf<'templates'> = {
  generation: isCount,
  phase: among('loaded'),
  deadline: orNull(isTime),
  forks: isCount,
};

const SLOT: ShapeOf<'slots'> = {
  id: isCount,
  restarts: isCount,
  forking: isBoolean,
  notBefore: isTime,
  leaving: isBoolean,
};

const WORKER: ShapeOf<'workers'> = {
  id: isCount,
  pid: isPid,
  generation: isCount,
  restarts: isCount,
  phase: among('booting', 'ready', 'stopping', 'doomed'),
  startedAt: isTime,
  readyAt: orNull(isTime),
  deadline: orNull(isTime),
  maxRequests: orNull(isCount),
  outdated: isBoolean,
  lacks: orNull(listOf(isText, MOST_ADDRESSES)),
};

const isState = shaped({
  generation: isCount,
  newest: isCount,
  refused: orNull(shaped({ generation: isCount, why: isLongText })),
  templates: listOf(shaped(TEMPLATE), MOST_GENERATIONS),
  slots: listOf(shaped(SLOT), MAX_WORKERS),
  workers: listOf(shaped(WORKER), MOST_PEERS),
  everReady: isBoolean,
  announced: isBoolean,
  restarts: isCount,
});

const SHAPE: Record<Exclude<keyof Handover, 'version'>, Check> = {
  successor: isText,
  scoreboard: isDescriptor,
  metrics: isDescriptor,
  rings: isDescriptor,
  published: isDescriptor,
  bells: isText,
  pidFile: orNull(shaped({ fd: isDescriptor, path: isText })),
  log: shaped({
    unwritten: shaped({ text: isLongText, lost: isCount }),
    names: listOf(pair(isCount, isText)),
    reopened: listOf(isCount),
  }),
  hadTerminal: isBoolean,
  killedOutOfMemory: isCount,
  said: shaped({
    seen: shaped({
      announced: isBoolean,
      rolling: isBoolean,
      generation: isCount,
      phase: among('running'),
    }),
    unsent: listOf(isText),
  }),
  couldNotBeShared: isBoolean,
  inherited: listOf(isCount, MOST_ADDRESSES),
  addresses: listOf(
    shaped({
      key: isText,
      index: isCount,
      bind: isBindWithAccess,
      sockets: isSockets,
      generations: listOf(isCount, MOST_GENERATIONS),
    }),
    MOST_ADDRESSES,
  ),
  statusAddress: orNull(shaped({ key: isText, bind: isBindWithAccess, sockets: isSockets })),
  datagrams: listOf(
    shaped({ key: isText, fd: isDescriptor, generations: listOf(isCount, MOST_GENERATIONS) }),
    MOST_ADDRESSES,
  ),
  found: listOf(pair(isText, isPort), MOST_ADDRESSES),
  generations: listOf(
    shaped({
      number: isCount,
      settings: (value) => value === null || checkedSettings(value) !== undefined,
      isShared: isBoolean,
      isIdle: isBoolean,
      isAsleep: isBoolean,
      reopened: isWhole,
      isRetired: isBoolean,
      isProven: isBoolean,
      template: orNull(isPid),
      endpoints: listOf(isCount, MOST_ADDRESSES),
      dropped: listOf(isText, MOST_ADDRESSES),
    }),
    MOST_GENERATIONS,
  ),
  peers: listOf(
    shaped({
      pid: isPid,
      role: among('template', 'worker', 'attendant'),
      generation: isCount,
      worker: orNull(isWorkerInfo),
      isReady: isBoolean,
      isSettled: isBoolean,
      isStopping: isBoolean,
      channel: (value) => value === -1 || isDescriptor(value),
      row: orNull((value) => isCount(value) && Number(value) < MAX_WORKERS * 2),
      asked: listOf(pair(isText, isCount), MOST_ADDRESSES),
      alsoAsked: listOf(isText, MOST_ADDRESSES),
      tried: listOf(pair(isText, isCount), MOST_ADDRESSES),
    }),
    MOST_PEERS,
  ),
  state: isState,
};
