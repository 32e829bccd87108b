/**
 * Processes in which modules are evaluated before the files that need them.
 *
 * The invariant: a file finds evaluated what it would have evaluated first, in the same order, and from the same state. So a
 * warm process has run the setup files, and then a beginning of what its files import, step by step; files with the same
 * beginning share it, and no file finds a module that it does not have evaluated itself, or that it has evaluated later than
 * another that is missing. A step that does something beyond its process, or that comes out differently in each, ends the
 * beginning: each one is tried in a process that is given up.
 */
import { clearTimeout, setTimeout } from '../base/timers';
import type { Fetched, File, Paused, Plan, Step } from './orders';
import type { PoolProcess } from './pool-process';
import type { FileRequest, StartRequest, Through } from './requests';

type Context = FileRequest['context'];

/** vitest's own names for files: by the hash of a path and a project's name. */
export type NameFile = (path: string) => Promise<{ id: string; name: string }>;

/** A file that goes on in a child of a warm process. */
export interface WarmChild {
  process: PoolProcess;
  file: File;
}

/** About the bytes of code that more files than one would have to evaluate for themselves. */
const WORTHWHILE = 20_000;
/**
 * So many files evaluate a beginning for themselves before there is a process for the others. To make one takes two forks, and
 * evaluates all of it twice: with one file, hono's suite took longer than without any.
 */
const FILES_FIRST = 2;
/** Each is a process that is kept. */
const MOST_PROCESSES = 16;
/** Milliseconds until one that evaluates is given up: a module may never be done. */
const LONGEST = 60_000;
/** There is no such file; vitest runs it up to its import. */
const PLACEHOLDER = '.prefork-file-to-come';

/** The beginnings of all files so far. */
interface Beginning {
  files: number;
  next: Map<string, Beginning>;
}

/** A process in which these steps are taken. */
interface Warm {
  steps: string[];
  process: PoolProcess;
  /** How many modules the one that fetches for all had fetched when it was forked from it. */
  modules: number;
}

/** A process for a file, and what it has not fetched of the file's. */
interface Found {
  process: PoolProcess;
  fetched: Fetched[];
}

/** What a process answers, unless it is never done; it has ended then. */
async function answerOf<T>(
  { peer }: PoolProcess,
  order: Parameters<PoolProcess['peer']['ask']>[0],
): Promise<T> {
  const timer = setTimeout(() => peer.dismiss(), LONGEST);
  return peer.ask(order).finally(() => clearTimeout(timer)) as Promise<T>;
}

const weightOf = (steps: Step[]): number => steps.reduce((sum, { weight }) => sum + weight, 0);

/** The processes of one template. */
export class WarmTemplates {
  readonly #cold: PoolProcess;
  readonly #nameFile: NameFile;
  readonly #root: string;
  readonly #seen: Beginning = { files: 0, next: new Map() };
  /** Steps that end the beginning of every file. */
  readonly #refused = new Set<string>();
  readonly #processes: PoolProcess[] = [];
  readonly #warm: Warm[] = [];
  #paused: Promise<PoolProcess | undefined> | undefined;
  #files = 0;
  /** One thing after the other: each process has one way to vitest's. */
  #work: Promise<unknown> = Promise.resolve();

  constructor(cold: PoolProcess, root: string, nameFile: NameFile) {
    this.#cold = cold;
    this.#root = root;
    this.#nameFile = nameFile;
  }

  /** A process for the file, in which what it begins with is done; undefined if there is none for it, or it has ended. */
  async forkFor(context: Context, through: Through): Promise<WarmChild | undefined> {
    const isFirst = this.#files++ === 0;
    if (isFirst || !isPlain(context)) return undefined;
    const work = this.#work.then(() => this.#find(context, through));
    this.#work = work.catch(() => {});
    return work.then((found) => found && this.#fork(found, context)).catch(() => undefined);
  }

  async #fork({ process, fetched }: Found, context: Context): Promise<WarmChild> {
    const { filepath } = context.files[0] as { filepath: string };
    return { process: await process.fork(), file: { ...(await this.#nameFile(filepath)), fetched, context } };
  }

  async retire(): Promise<void> {
    for (const process of this.#processes.toReversed()) await process.retire();
  }

  async #find(context: Context, through: Through): Promise<Found | undefined> {
    this.#paused ??= this.#pause(context, through).catch(() => undefined);
    const paused = await this.#paused;
    if (paused === undefined) return undefined;
    const { filepath } = context.files[0] as { filepath: string };
    const plan = await this.#plan(paused, filepath, through);
    const refused = plan.steps.findIndex(({ id }) => this.#refused.has(id));
    const steps = refused < 0 ? plan.steps : plan.steps.slice(0, refused);
    const best = this.#best(steps) ?? { steps: [], process: paused, modules: plan.modules };
    const more = steps.slice(best.steps.length, this.#note(steps));
    const isWorthwhile = weightOf(more) >= WORTHWHILE && this.#processes.length < MOST_PROCESSES;
    const warm = isWorthwhile ? await this.#extend(best, more, plan.fetched, through) : best;
    return { process: warm.process, fetched: plan.fetched.filter(({ number }) => number >= warm.modules) };
  }

  /** With what some of the processes have not fetched. */
  #plan(paused: PoolProcess, file: string, through: Through): Promise<Plan> {
    const since = Math.min(...this.#warm.map(({ modules }) => modules));
    return through(paused, () => paused.peer.ask({ order: 'plan', file, since })) as Promise<Plan>;
  }

  /** Has vitest run a file up to its import, if nothing that is evaluated by then speaks against it. */
  async #pause(context: Context, through: Through): Promise<PoolProcess | undefined> {
    const filepath = `${this.#root}/${PLACEHOLDER}`;
    const message = {
      __vitest_worker_request__: true,
      type: 'run',
      context: { ...context, files: [{ ...context.files[0], filepath }] },
    };
    const known = await this.#nameFile(filepath);
    const make = async (isTrial: boolean) => {
      const process = await this.#cold.fork();
      const order = { order: 'pause', message, isTrial } as const;
      const task = await through(process, () => answerOf<Paused>(process, order)).catch(() => undefined);
      const isNamed = task?.id === known.id && task?.name === known.name;
      if (!isNamed || isTrial) process.peer.dismiss();
      return isNamed ? process : undefined;
    };
    if ((await make(true)) === undefined) return undefined;
    const process = await make(false);
    if (process !== undefined) this.#processes.push(process);
    return process;
  }

  #best(steps: Step[]): Warm | undefined {
    return this.#warm
      .filter((warm) => warm.steps.every((id, index) => steps[index]?.id === id))
      .sort((one, other) => other.steps.length - one.steps.length)[0];
  }

  /** How many steps as many other files have begun with. */
  #note(steps: Step[]): number {
    let shared = 0;
    let here = this.#seen;
    for (const { id } of steps) {
      const next = here.next.get(id) ?? { files: 0, next: new Map() };
      here.next.set(id, next);
      if (next.files++ >= FILES_FIRST) shared++;
      here = next;
    }
    return shared;
  }

  /** A process further on, as far as nothing speaks against it. */
  async #extend(from: Warm, more: Step[], all: Fetched[], through: Through): Promise<Warm> {
    const fetched = all.filter(({ number }) => number >= from.modules);
    const trial = await from.process.fork();
    const ask = (process: PoolProcess, steps: Step[], isTrial: boolean): Promise<number> =>
      through(process, () => answerOf<number>(process, { order: 'evaluate', steps, fetched, isTrial }));
    const count = await ask(trial, more, true).catch(() => 0);
    trial.peer.dismiss();
    const refused = more[count];
    if (refused !== undefined) this.#refused.add(refused.id);
    const good = more.slice(0, count);
    if (weightOf(good) < WORTHWHILE) return from;
    const process = await from.process.fork();
    const evaluated = await ask(process, good, false).catch(() => undefined);
    if (evaluated === undefined) {
      process.peer.dismiss();
      for (const { id } of good) this.#refused.add(id);
      return from;
    }
    this.#processes.push(process);
    const warm = { ...from, steps: [...from.steps, ...good.map(({ id }) => id)], process };
    this.#warm.push(warm);
    return warm;
  }
}

/** Nothing is said of the file but which one it is. */
function isPlain({ files }: Context): boolean {
  const [file, ...others] = files;
  if (file === undefined || others.length > 0) return false;
  return Object.entries(file).every(
    ([name, value]) =>
      name === 'filepath' || value === undefined || (Array.isArray(value) && value.length === 0),
  );
}

type Config = StartRequest['context']['config'];

/** vitest 4 has a mode for benchmarks, vitest 5 projects for them. */
function measures({ mode, benchmark }: Config): boolean {
  const isProject = (benchmark as { enabled?: boolean } | undefined)?.enabled === true;
  return isProject || (mode ?? 'test') !== 'test';
}

/** Whether vitest looks at a file from the beginning of a run, before it imports it, or at what its imports cost. */
export function needsFileAtOnce(config: Config): boolean {
  const { includeTaskLocation, detectAsyncLeaks, experimental } = config;
  const { limit = 0 } = experimental.importDurations ?? {};
  return measures(config) || Boolean(includeTaskLocation) || Boolean(detectAsyncLeaks) || limit > 0;
}
