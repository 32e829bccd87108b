/** The processes that test files are forked from: which there are, and how long. */
import { createHash } from 'node:crypto';
import { join, relative } from 'node:path';
import { pathToFileURL } from 'node:url';
import { serialize } from 'node:v8';
import type { PoolOptions, TestProject } from 'vitest/node' with { 'resolution-mode': 'import' };
import { startFirstProcess } from './first-process';
import type { PoolProcess } from './pool-process';
import type { FileRequest, StartRequest, Through } from './requests';
import { type NameFile, needsFileAtOnce, type WarmChild, WarmTemplates } from './warm-templates';

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

/** How warm processes are made; undefined if they are not. */
export type Warming = { nameFile: NameFile; distrusted: ReadonlySet<string> } | undefined;

/** A template with an environment, for the files of one run that have the same one. */
export class Template {
  /** An environment of the project's own may open what each file is to have for itself: each sets up its own. */
  readonly isSetUp: boolean;
  readonly #process: Promise<PoolProcess>;
  readonly #request: StartRequest;
  readonly #preload: Preload;
  readonly #warming: Warming;
  #begun: Promise<unknown> | undefined;
  #prepared: Promise<PoolProcess> | undefined;
  #warm: Promise<WarmTemplates> | undefined;

  constructor(process: Promise<PoolProcess>, request: StartRequest, preload: Preload, warming: Warming) {
    this.#preload = preload;
    this.#warming = warming;
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

  /** A process for a file, in which what the file begins with is done, if there is one for it. */
  async forkWarmFor(request: FileRequest, through: Through): Promise<WarmChild | undefined> {
    const { context } = request;
    const [warming, file] = [this.#warming, context.files[0]?.filepath ?? ''];
    const isCold = warming === undefined || request.type !== 'run' || warming.distrusted.has(file);
    const { config } = this.#request.context;
    if (isCold || !this.isSetUp || !this.#isBare() || needsFileAtOnce(config)) return undefined;
    this.#prepared ??= this.#prepare(request, through);
    this.#warm ??= this.#prepared.then(
      (process) => new WarmTemplates(process, config.root, warming.nameFile),
    );
    return (await this.#warm).forkFor(context, through);
  }

  async retire(): Promise<void> {
    await this.#warm?.then((warm) => warm.retire()).catch(() => {});
    await this.#prepared?.then((process) => process.retire()).catch(() => {});
    await (await this.#process).retire();
  }
}

/** What one run of vitest's has of one project. */
class Run {
  readonly #first: PoolProcess;
  readonly #preload: Preload;
  readonly #warming: Warming;
  readonly #templates = new Map<string, Template>();
  #spare: PoolProcess | undefined;

  constructor(first: PoolProcess, spare: PoolProcess, preload: Preload, warming: Warming) {
    this.#warming = warming;
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
    const template =
      this.#templates.get(key) ?? new Template(this.#process(), request, this.#preload, this.#warming);
    this.#templates.set(key, template);
    return template;
  }

  retire(): void {
    this.#spare?.peer.dismiss();
    for (const template of this.#templates.values()) template.retire().catch(() => {});
  }
}

/** As vitest 5 has it: reports of several runs are told apart by a label. */
interface Labelled {
  mergeReportsLabel?: string | undefined;
}

function namesOf({ distPath, project }: PoolOptions): NameFile {
  const { root, name: projectName } = project.config;
  const meta = { __vitest_label__: (project.config as Labelled).mergeReportsLabel };
  const vitest = import(pathToFileURL(join(distPath, 'node.js')).href) as Promise<{
    generateFileHash: (path: string, projectName: string, meta: object) => string;
  }>;
  return async (path) => {
    const name = relative(root, path);
    return { id: (await vitest).generateFileHash(name, projectName, meta), name };
  };
}

/** All that one `preforkPool()` has. */
export class Templates {
  readonly #packages: Set<string>;
  readonly #warms: boolean;
  /** Files that have had another result in a warm process. */
  readonly #distrusted = new Set<string>();
  readonly #first = new Map<string, Promise<PoolProcess>>();
  /** vitest makes a new environment of variables for each run of a project. */
  readonly #runs = new WeakMap<object, Promise<Run>>();
  readonly #latest = new WeakMap<TestProject, Promise<Run>>();
  /** The ends of processes that vitest has asked to stop: a run is over for it before they have. */
  readonly #ending = new Set<Promise<unknown>>();

  constructor(packages: readonly string[], warms: boolean) {
    this.#packages = new Set(packages);
    this.#warms = warms;
  }

  #firstProcess(options: PoolOptions): Promise<PoolProcess> {
    const key = digest([options.execArgv, options.env]);
    const known = this.#first.get(key);
    if (known !== undefined) return known;
    const first = startFirstProcess(options);
    this.#first.set(key, first);
    first.then(
      ({ peer }) => {
        options.project.vitest.onClose(async () => {
          await Promise.all(this.#ending);
          peer.dismiss();
        });
        peer.closed.then(() => this.#first.delete(key));
      },
      () => {},
    );
    return first;
  }

  async #begin(options: PoolOptions): Promise<Run> {
    const first = await this.#firstProcess(options);
    const preload: Preload = {
      packages: this.#packages,
      refuse: ({ name, why }) => {
        this.#packages.delete(name);
        options.project.vitest.logger.warn(`prefork/vitest: ${name} is not loaded before the files: ${why}.`);
      },
    };
    const warming = { nameFile: namesOf(options), distrusted: this.#distrusted };
    return new Run(first, await first.fork(), preload, this.#warms ? warming : undefined);
  }

  /** vitest is not closed before. */
  noteEnding(ended: Promise<unknown>): void {
    this.#ending.add(ended);
    ended.then(() => this.#ending.delete(ended));
  }

  /** From now on this file finds nothing evaluated. */
  distrust(file: string): void {
    this.#distrusted.add(file);
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
