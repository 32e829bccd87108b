/** What a manager shows of itself: what is in it, and what others take of it. */
import type { Answers } from '../answers';
import {
  type Check,
  hasShape,
  isBoolean,
  isCount,
  isRecordOf,
  isText,
  listOf,
  oneOf,
  orNull,
} from '../channel/shapes';
import type { State, Worker } from '../policy';
import { MAX_WORKERS } from '../scoreboard';
import type { Application } from '../settings';

/** To be raised when what is shown changes its form, or the shared memory its own. */
export const VERSION = 6;

/** Bytes; more is none of ours. */
export const LONGEST = 2 * 1024 * 1024;
export const LONGEST_REASON = 2000;
const MOST_PROCESSES = 4 * MAX_WORKERS;
const MOST_ADDRESSES = 1024;

/** A process that the manager looks after. */
export interface ShownProcess {
  /** As the manager sees it, which may run in a container. */
  pid: number;
  role: 'template' | 'worker' | 'attendant';
  generation: number;
  /** Of a worker. */
  worker: ShownWorker | null;
}

export interface ShownWorker extends Pick<Worker, 'id' | 'restarts' | 'phase' | 'startedAt'> {
  /** Its line of the scoreboard. */
  row: number;
}

export const HAPPENINGS = [
  'crash',
  'hang',
  'boot timeout',
  'out of memory',
  'killed',
  'recycled',
  'reload',
  'reloaded',
  'refused',
  'added',
  'removed',
  'succession',
  'template lost',
  'crash loop',
] as const;
/** The first five are those of a worker that was not told to end; `killed`: from outside. */
export type Happening = (typeof HAPPENINGS)[number];

export interface Happened {
  /** In milliseconds of the epoch. */
  at: number;
  what: Happening;
  /** Id of the worker, if it is one's. */
  worker: number | null;
}

export const MOST_HAPPENED = 100;

export interface Shown {
  /** The manager's own, as it sees itself. */
  pid: number;
  prefork: string;
  node: string;
  phase: State['phase'];
  name: string | null;
  application: Application | null;
  /** The generation that was begun last. */
  newest: number;
  /** The one that serves; null: none yet. */
  generation: number | null;
  /** When it began to serve, in milliseconds of the epoch. */
  since: number | null;
  /** A generation is being loaded, or workers are being replaced. */
  isReplacing: boolean;
  /** The last one that was not put into service. */
  refused: { generation: number; why: string } | null;
  addresses: string[];
  /** Of each address that is a Unix socket: its inode. */
  unixSockets: Record<string, number>;
  /** How many workers there are to be. */
  wanted: number;
  /** How often signals have asked for one more or one fewer. */
  resizes: number;
  /** Workers that have ended, and what they had served. */
  ended: { workers: number; requests: number; answers: Answers };
  /** Workers that ended unasked and were started again. */
  crashes: number;
  /** How often what has happened; the latest of it; how long the last reload took, in milliseconds. */
  counts: Record<Happening, number>;
  latest: Happened[];
  reloadTime: number | null;
  /** How often log files have been opened anew. */
  reopened: number;
  /** Milliseconds between two beats of a worker. */
  interval: number;
  processes: ShownProcess[];
}

const isTime: Check = (value) => typeof value === 'number' && Number.isFinite(value) && value >= 0;
const isPid: Check = (value) => isCount(value) && Number(value) > 0 && Number(value) < 2 ** 31;
const isPhase = oneOf('running', 'stopping', 'ended');
const shaped =
  <T>(shape: Record<keyof T, Check>): Check =>
  (value) =>
    hasShape(value, shape);

const isWorker = shaped<ShownWorker>({
  id: isCount,
  restarts: isCount,
  phase: oneOf('booting', 'ready', 'stopping', 'doomed'),
  startedAt: isTime,
  row: (value) => isCount(value) && Number(value) < 2 * MAX_WORKERS,
});

const isAnswers = shaped<Answers>({
  byStatus: listOf(isCount),
  byDuration: listOf(isCount),
  seconds: isTime,
});

const isShown = shaped<Shown>({
  pid: isPid,
  prefork: isText,
  node: isText,
  phase: isPhase,
  name: orNull(isText),
  application: orNull(shaped<Application>({ path: isText, version: orNull(isText) })),
  newest: isCount,
  generation: orNull(isCount),
  since: orNull(isTime),
  isReplacing: isBoolean,
  refused: orNull(shaped<NonNullable<Shown['refused']>>({ generation: isCount, why: isText })),
  addresses: listOf(isText, MOST_ADDRESSES),
  unixSockets: isRecordOf(isCount),
  wanted: isCount,
  resizes: isCount,
  ended: shaped<Shown['ended']>({ workers: isCount, requests: isCount, answers: isAnswers }),
  crashes: isCount,
  counts: shaped<Shown['counts']>(
    Object.fromEntries(HAPPENINGS.map((what) => [what, isCount])) as Record<Happening, Check>,
  ),
  latest: listOf(
    shaped<Happened>({ at: isTime, what: oneOf(...HAPPENINGS), worker: orNull(isCount) }),
    MOST_HAPPENED,
  ),
  reloadTime: orNull(isTime),
  reopened: Number.isSafeInteger,
  interval: isTime,
  processes: listOf(
    shaped<ShownProcess>({
      pid: isPid,
      role: oneOf('template', 'worker', 'attendant'),
      generation: isCount,
      worker: orNull(isWorker),
    }),
    MOST_PROCESSES,
  ),
});

/** Undefined: nothing that a manager of this version shows. */
export function checkedShown(value: unknown): Shown | undefined {
  return isShown(value) ? (value as Shown) : undefined;
}
