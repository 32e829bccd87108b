/** A service as it is at one moment: what its manager shows, what its workers say, and what the kernel knows of both. */
import { duration } from '../../base/duration';
import { monotonic } from '../../base/timers';
import type { Figures } from '../scoreboard';
import { factsOf } from '../system/process-facts';
import type { Shown, ShownProcess, ShownWorker } from './form';
import { queueLengths } from './queues';

/** Printed by `prefork status --json`. Times are in milliseconds, memory is in bytes; null: not known. */
export interface Sight {
  name: string | null;
  application: Shown['application'];
  /** The process that was started. */
  manager: { pid: number; startedAt: string; prefork: string; node: string };
  phase: 'loading' | Shown['phase'];
  generation: number | null;
  /** When that generation began to serve. */
  since: string | null;
  /** A new version is being loaded, or workers are being replaced by it. */
  isReplacing: boolean;
  refused: Shown['refused'];
  addresses: string[];
  /** Connections that wait to be accepted, by address, where the kernel says so. */
  queues: Record<string, number>;
  /** How many workers there are to be, and are ready. */
  wanted: number;
  ready: number;
  workers: SeenWorker[];
  /** Templates, and the attendant. */
  others: { pid: number; role: ShownProcess['role']; generation: number }[];
}

export interface SeenWorker {
  id: number;
  pid: number;
  state: 'booting' | 'ready' | 'stopping';
  /** Its event loop stands still. */
  isBlocked: boolean;
  /** In a few words. */
  doing: string;
  generation: number;
  restarts: number;
  /** Since it was forked. */
  age: number;
  requests: number | null;
  /** A second, since the look before; null: the first look. */
  requestsPerSecond: number | null;
  connections: number | null;
  /** By how much its last beat was late. */
  loopDelay: number | null;
  /** Since its last beat. */
  sinceBeat: number | null;
  /** Processors that it has used since the look before: 1 is all of one. */
  cpu: number | null;
  privateMemory: number | null;
  heapUsed: number | null;
}

/** What is compared with the next look. */
interface Before {
  at: number;
  requests: number;
  cpu: number | null;
}

/** One service: its manager as this process sees it. */
export interface Observed {
  manager: Seen;
  /** undefined: it has ended. */
  look(): Promise<Shown | undefined>;
  /** Milliseconds between two beats of a worker that is ready; if it is not here: those that the manager shows. */
  beatInterval?(shown: Shown): number;
}

interface Seen {
  pid: number;
  startedAt: Date;
  /** A process where it is, itself or another one. */
  neighbour: number;
  /** Of a line of the scoreboard; undefined: not to be had. */
  figures(row: number): Figures | undefined;
}

/** Looks at one service again and again. */
export class Observer {
  readonly #observed: Observed;
  #before = new Map<number, Before>();

  constructor(observed: Observed) {
    this.#observed = observed;
  }

  /** undefined: the manager has ended. */
  async look(): Promise<Sight | undefined> {
    const shown = await this.#observed.look();
    if (shown === undefined) return undefined;
    const { manager } = this.#observed;
    const now = new Map<number, Before>();
    const workers = shown.processes.flatMap((each) => {
      if (each.worker === null) return [];
      return this.#workerOf(manager, shown, each, each.worker, now);
    });
    this.#before = now;
    return {
      ...serviceOf(manager, shown),
      ready: workers.filter(({ state }) => state === 'ready').length,
      workers,
    };
  }

  #workerOf(
    manager: Seen,
    shown: Shown,
    { pid, generation }: ShownProcess,
    worker: ShownWorker,
    looks: Map<number, Before>,
  ): SeenWorker {
    const { id, restarts, phase, row, startedAt } = worker;
    const at = monotonic();
    const figures = manager.figures(row);
    // In another namespace of processes its number is another one's here.
    const cpu = shown.pid === manager.pid ? (factsOf(pid)?.cpu ?? null) : null;
    const requests = figures?.requests ?? null;
    if (requests !== null) looks.set(pid, { at, requests, cpu });
    const before = this.#before.get(pid);
    const per = (now: number | null, then: number | null | undefined): number | null =>
      before === undefined || now === null || then == null
        ? null
        : Math.max(0, now - then) / (at - before.at);
    const perMillisecond = per(requests, before?.requests);
    const age = Math.max(0, at - startedAt);
    const sinceBeat = figures === undefined ? null : Math.max(0, at - figures.beat);
    const interval = (phase === 'ready' && this.#observed.beatInterval?.(shown)) || shown.interval;
    const seen = {
      id,
      pid,
      state: phase === 'doomed' ? ('stopping' as const) : phase,
      // A beat comes once in the interval; one that is missing may only be late.
      isBlocked: Math.min(age, sinceBeat ?? 0) > 2 * interval,
      generation,
      restarts,
      age,
      requests,
      requestsPerSecond: perMillisecond === null ? null : perMillisecond * 1000,
      connections: figures?.connections ?? null,
      loopDelay: figures?.loopDelay ?? null,
      sinceBeat,
      cpu: per(cpu, before?.cpu),
      privateMemory: figures?.privateMemory || null, // 0: not measured yet
      heapUsed: figures?.heapUsed ?? null,
    };
    return { ...seen, doing: doing(seen, phase) };
  }
}

function serviceOf(manager: Seen, shown: Shown): Omit<Sight, 'ready' | 'workers'> {
  const { name, application, generation, since, isReplacing, refused, addresses, wanted } = shown;
  return {
    name,
    application,
    manager: {
      pid: manager.pid,
      startedAt: manager.startedAt.toISOString(),
      prefork: shown.prefork,
      node: shown.node,
    },
    phase: generation === null && shown.phase === 'running' ? 'loading' : shown.phase,
    generation,
    since: since === null ? null : new Date(since).toISOString(),
    isReplacing: isReplacing && generation !== null,
    refused,
    addresses,
    queues: Object.fromEntries(queueLengths(shown, manager.neighbour)),
    wanted,
    others: shown.processes.flatMap(({ pid, role, generation: own }) =>
      role === 'worker' ? [] : [{ pid, role, generation: own }],
    ),
  };
}

function doing(
  { isBlocked, sinceBeat, connections, requestsPerSecond }: Omit<SeenWorker, 'doing'>,
  phase: ShownWorker['phase'],
): string {
  if (phase === 'doomed') return 'being killed';
  if (isBlocked) return `blocked for ${duration(sinceBeat ?? 0)}`;
  if (phase === 'booting') return 'starting';
  if (phase === 'stopping') return connections ? `finishing, ${connections} open` : 'finishing';
  if (requestsPerSecond) return 'serving';
  return connections ? `waiting, ${connections} open` : 'idle';
}
