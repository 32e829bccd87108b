/** The processes that test files are forked from: which there are, and how long. */
import { createHash } from 'node:crypto';
import { serialize } from 'node:v8';
import type { PoolOptions, TestProject, WorkerRequest } from 'vitest/node' with {
  'resolution-mode': 'import',
};
import { startFirstProcess } from './first-process';
import type { PoolProcess } from './pool-process';

export type StartRequest = Extract<WorkerRequest, { type: 'start' }>;
export type FileRequest = Extract<WorkerRequest, { type: 'run' | 'collect' }>;

/** Has the messages of a template answered by vitest, until it has done what it was told. */
export type Through = <T>(template: PoolProcess, work: () => Promise<T>) => Promise<T>;

/** vitest's own, which are set up and no more: nothing outside of the process hears of it. */
const KNOWN_ENVIRONMENTS = ['node', 'jsdom', 'happy-dom'];

function digest(value: unknown): string {
  return createHash('sha1').update(serialize(value)).digest('base64');
}

/** A package that cannot be evaluated before the files, and why. */
interface Refused {
  name: string;
  why: string;
}

/** What is evaluated before any file, unless it is refused. */
interface Preload {
  packages: ReadonlySet<string>;
  refuse: (refused: Refused) => void;
}

/** A template with an environment, for the files of one run that have the same one. */
export class Template {
  /** An environment of the project's own may open what each file is to have for itself: each sets up its own. */
  readonly isSetUp: boolean;
  readonly #process: Promise<PoolProcess>;
  readonly #request: StartRequest;
  readonly #preload: Preload;
  #begun: Promise<unknown> | undefined;
  #prepared: Promise<PoolProcess> | undefined;

  constructor(process: Promise<PoolProcess>, request: StartRequest, preload: Preload) {
    this.#preload = preload;
    this.#process = process;
    this.#request = request;
    this.isSetUp = KNOWN_ENVIRONMENTS.includes(request.context.environment.name);
  }

  /** Sets the environment up, once. Resolves to vitest's error, if there is one. */
  async begin(through: Through): Promise<unknown> {
    if (!this.isSetUp) return undefined;
    const process = await this.#process;
    this.#begun ??= through(process, () => process.peer.ask({ order: 'begin', message: this.#request }));
    return this.#begun;
  }

  /** Whether vitest would load nothing of the project's before the first file. */
  #isBare(): boolean {
    const { coverage, diff, runner, snapshotSerializers, snapshotEnvironment } = this.#request.context.config;
    return (
      !coverage.enabled &&
      runner === undefined &&
      typeof diff !== 'string' &&
      snapshotSerializers.length === 0 &&
      snapshotEnvironment == null
    );
  }

  /** Has vitest get ready for a file, so that no child has to. */
  async #prepare(request: FileRequest, through: Through): Promise<PoolProcess> {
    const process = await this.#process;
    if (!this.isSetUp || !this.#isBare()) return process;
    const message = { ...request, context: { ...request.context, files: [] } };
    await through(process, () => process.peer.ask({ order: 'prepare', message }));
    return this.#withPackages(process, through, [...this.#preload.packages]);
  }

  /** One after the other, so that it is known which one has ended the process. */
  async #firstRefused({ peer }: PoolProcess, packages: string[]): Promise<Refused | undefined> {
    for (const name of packages) {
      const why = await peer.ask({ order: 'preload', name }).catch((error: Error) => error.message);
      if (why !== undefined) return { name, why: String(why) };
    }
    return undefined;
  }

  /** A package that is refused has been evaluated: then another child is made, without it. */
  async #withPackages(process: PoolProcess, through: Through, packages: string[]): Promise<PoolProcess> {
    if (packages.length === 0) return process;
    const child = await process.fork();
    const refused = await through(child, () => this.#firstRefused(child, packages));
    if (refused === undefined) return child;
    child.peer.dismiss();
    this.#preload.refuse(refused);
    const others = packages.filter((name) => name !== refused.name);
    return this.#withPackages(process, through, others);
  }

  /** A process for a file. */
  async forkFor(request: FileRequest, through: Through): Promise<PoolProcess> {
    this.#prepared ??= this.#prepare(request, through);
    return (await this.#prepared).fork();
  }

  async retire(): Promise<void> {
    await this.#prepared?.then((process) => process.retire()).catch(() => {});
    await (await this.#process).retire();
  }
}

/** What one run of vitest's has of one project. */
class Run {
  readonly #first: PoolProcess;
  readonly #preload: Preload;
  readonly #templates = new Map<string, Template>();
  #spare: PoolProcess | undefined;

  constructor(first: PoolProcess, spare: PoolProcess, preload: Preload) {
    this.#first = first;
    this.#spare = spare;
    this.#preload = preload;
  }

  #process(): Promise<PoolProcess> {
    const spare = this.#spare;
    this.#spare = undefined;
    return spare === undefined ? this.#first.fork() : Promise.resolve(spare);
  }

  template(request: StartRequest): Template {
    const { environment, config } = request.context;
    const key = digest([environment, config]);
    const template = this.#templates.get(key) ?? new Template(this.#process(), request, this.#preload);
    this.#templates.set(key, template);
    return template;
  }

  retire(): void {
    this.#spare?.peer.dismiss();
    for (const template of this.#templates.values()) template.retire().catch(() => {});
  }
}

/** All that one `preforkPool()` has. */
export class Templates {
  readonly #packages: Set<string>;
  readonly #first = new Map<string, Promise<PoolProcess>>();
  /** vitest makes a new environment of variables for each run of a project. */
  readonly #runs = new WeakMap<object, Promise<Run>>();
  readonly #latest = new WeakMap<TestProject, Promise<Run>>();

  constructor(packages: readonly string[]) {
    this.#packages = new Set(packages);
  }

  #firstProcess(options: PoolOptions): Promise<PoolProcess> {
    const key = digest([options.execArgv, options.env]);
    const known = this.#first.get(key);
    if (known !== undefined) return known;
    const first = startFirstProcess(options);
    this.#first.set(key, first);
    first.then(
      ({ peer }) => {
        options.project.vitest.onClose(() => peer.dismiss());
        peer.closed.then(() => this.#first.delete(key));
      },
      () => {},
    );
    return first;
  }

  async #begin(options: PoolOptions): Promise<Run> {
    const first = await this.#firstProcess(options);
    return new Run(first, await first.fork(), {
      packages: this.#packages,
      refuse: ({ name, why }) => {
        this.#packages.delete(name);
        options.project.vitest.logger.warn(`prefork/vitest: ${name} is not loaded before the files: ${why}.`);
      },
    });
  }

  /**
   * What there is for this run, in which nothing is left of a former one: files may have changed since. Rejects where
   * nothing can be forked.
   */
  run(options: PoolOptions): Promise<Run> {
    const known = this.#runs.get(options.env);
    if (known !== undefined) return known;
    const run = this.#begin(options);
    this.#runs.set(options.env, run);
    this.#latest
      .get(options.project)
      ?.then((former) => former.retire())
      .catch(() => {});
    this.#latest.set(options.project, run);
    return run;
  }
}
