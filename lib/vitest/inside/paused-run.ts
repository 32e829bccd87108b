/**
 * A run of vitest's that has come to where it would import its file, and goes no further: the setup files are evaluated, their
 * hooks are registered. In a child it goes on with a file that was not known by then.
 */
import type { ModuleRunner } from 'vite/module-runner' with { 'resolution-mode': 'import' };
import type { File } from '../orders';

/** Of vitest 5: which of the processes that run at the same time it is, as reporters hear it. */
interface Context {
  concurrencyId?: number;
  workerId?: number;
}

/** Of vitest's own state in a worker (its `__vitest_worker__`), what a file is told of itself. */
interface WorkerState {
  filepath: string;
  ctx: Context & { files: { filepath: string }[] };
  durations: { fetch?: number };
  environment: { name: string; viteEnvironment?: string };
  rpc: {
    onQueued: (file: object) => Promise<unknown>;
    resolve: (id: string, importer: undefined, environment: string) => Promise<{ url: string } | null>;
    fetchWarmModules: (environment: string, files: string[]) => Promise<Modules>;
  };
  config: { snapshotOptions: { snapshotEnvironment: SnapshotEnvironment } };
}

/** vitest's own: how it writes files of snapshots. */
interface SnapshotEnvironment {
  saveSnapshotFile: (...args: string[]) => Promise<void>;
  removeSnapshotFile: (...args: string[]) => Promise<void>;
}

/** What vitest 5 knows of modules, by their URLs and ids. */
type Modules = Record<string, unknown>;

interface FileTask extends Context {
  id: string;
  name: string;
  fullName: string;
  filepath: string;
  collectDuration?: number;
}

function workerState(): WorkerState {
  return (globalThis as unknown as { __vitest_worker__: WorkerState }).__vitest_worker__;
}

const environmentOf = ({ environment }: WorkerState): string =>
  environment.viteEnvironment || environment.name;

/** In the process of a file; vitest has the number of the process that it was forked from. */
export function takeNumber(ctx: Context): void {
  if ('concurrencyId' in ctx) ctx.concurrencyId = Number(process.env['VITEST_POOL_ID']);
}

/** As vitest's module runner has it, of a file that it is to import. */
export async function urlOf(file: string): Promise<string> {
  const state = workerState();
  const resolved = await state.rpc.resolve(file, undefined, environmentOf(state));
  return resolved?.url ?? file;
}

/** Registered so far: by setup files, or by modules. Their names have that of the file in them. */
export function hasTests(): boolean {
  const { TestRunner } = (globalThis as unknown as { __vitest_index__: VitestIndex }).__vitest_index__;
  return TestRunner.getCurrentSuite().tasks.length > 0;
}

interface VitestIndex {
  TestRunner: { getCurrentSuite: () => { tasks: unknown[] } };
}

export class PausedRun {
  /** The task of the file that there is not, as vitest has made it. */
  task: FileTask | undefined;
  /** When the run has come to the import. */
  readonly reached: Promise<void>;
  readonly #runner: ModuleRunner;
  #since = 0;
  #fetched: number | undefined;
  #modules: Modules | undefined;
  #goOn: (file: string) => void = () => {};

  constructor(runner: ModuleRunner, placeholder: string) {
    this.#runner = runner;
    const file = new Promise<string>((resolve) => {
      this.#goOn = resolve;
    });
    this.reached = new Promise((resolve) => {
      const importModule = Object.getPrototypeOf(runner).import as (...args: unknown[]) => Promise<never>;
      runner.import = async (id: string, ...options: unknown[]): Promise<never> => {
        if (id !== placeholder) return importModule.call(runner, id, ...options);
        this.#since = performance.now();
        this.#fetched = workerState().durations.fetch;
        resolve();
        const path = await file;
        await this.#learn();
        return importModule.call(runner, path, ...options);
      };
    });
  }

  /** In a child: the file is what vitest would have made of it. */
  async resume({ id, name, context }: File): Promise<void> {
    const [state, task, spec] = [workerState(), this.task, context.files[0]];
    if (task === undefined || spec === undefined) throw new Error('vitest has made no file');
    const { files: _, ...rest } = context;
    Object.assign(state.ctx, rest);
    takeNumber(state.ctx);
    Object.assign(state.ctx.files[0] as object, spec);
    state.filepath = spec.filepath;
    Object.assign(task, { id, name, fullName: name, filepath: spec.filepath });
    for (const number of ['concurrencyId', 'workerId'] as const)
      if (number in task) Object.assign(task, { [number]: state.ctx[number] });
    this.#leaveOutWaiting(task, state);
    await state.rpc.onQueued(task);
    Reflect.deleteProperty(this.#runner, 'import');
    this.#goOn(spec.filepath);
  }

  /**
   * vitest 5's module runner asks once what vitest's process knows of the modules that its first file will need. Here it gets
   * nothing yet: a child fills in what it is told of its own file.
   */
  modules(): Modules {
    this.#modules ??= {};
    return this.#modules;
  }

  async #learn(): Promise<void> {
    if (this.#modules === undefined) return;
    const state = workerState();
    const more = state.rpc.fetchWarmModules(environmentOf(state), [state.filepath]);
    Object.assign(this.#modules, await more.catch(() => undefined));
  }

  /** vitest counts from when it began to import. */
  #leaveOutWaiting(task: FileTask, { durations }: WorkerState): void {
    if (this.#fetched !== undefined) durations.fetch = this.#fetched;
    const waited = performance.now() - this.#since;
    let duration = 0;
    Object.defineProperty(task, 'collectDuration', {
      get: () => duration,
      set: (sinceThen: number) => {
        duration = sinceThen - waited;
      },
      enumerable: true,
      configurable: true,
    });
  }
}

/** Files of snapshots are written when it is known that this run of the file is the one that counts. */
export function holdSnapshots(): () => Promise<void> {
  const held: (() => Promise<void>)[] = [];
  const { snapshotEnvironment } = workerState().config.snapshotOptions;
  for (const name of ['saveSnapshotFile', 'removeSnapshotFile'] as const) {
    const original = snapshotEnvironment[name];
    snapshotEnvironment[name] = async (...args) => {
      held.push(() => original.apply(snapshotEnvironment, args));
    };
  }
  return async () => {
    for (const write of held.splice(0)) await write();
  };
}
