/** One run of Jest's: the template of its files, and what becomes of each. */
import { closeSync } from 'node:fs';
import { Socket } from 'node:net';
import { constants } from 'node:os';
import { clearTimeout, setTimeout } from '../base/timers';
import { socketpair } from '../os';
import { readFrames } from '../testing/frames';
import type { Child } from '../testing/template';
import { failureOf } from './ends';
import type { GlobalConfig, ProjectConfig, RunContext, Test } from './jest';
import { type FromFile, unpack } from './messages';
import type { JestPackages } from './packages';
import { type Started, startTemplate } from './start';

/** What the process of a file can report. */
const EVENTS = ['test-case-start', 'test-case-result'];
/** Milliseconds from a file's last word to SIGKILL, as in Jest; listeners of its exit run meanwhile. */
const UNTIL_KILLED = 500;

/** What became of a file. */
export type Outcome = { result: unknown } | { failure: unknown };

/** A template, and what it has rehearsed: by project, a reason against forking from it afterwards, if there is one. */
interface Nest {
  started: Started;
  rehearsals: Map<string, Promise<string | undefined>>;
}

/** No process could be forked for a file. */
export class CannotFork extends Error {}

export interface RunOptions {
  jest: JestPackages;
  globalConfig: GlobalConfig;
  context: RunContext;
  tests: readonly Test[];
  warn: (text: string) => void;
  emit: (event: string, data: readonly unknown[]) => Promise<void>;
}

export class Run {
  readonly #options: RunOptions;
  readonly #nests: Promise<Nest>[] = [];
  /** Projects for which nothing is rehearsed. */
  readonly #bare = new Set<string>();
  readonly #living = new Set<Child>();
  #isInterrupted = false;

  constructor(options: RunOptions) {
    this.#options = options;
  }

  // --- Templates ---

  /** What Jest hands to each of its workers when that begins. */
  #setup(): string {
    const contexts = new Map(this.#options.tests.map(({ context }) => [context.config.id, context]));
    const serializableResolvers = [...contexts.values()].map(({ config, moduleMap }) => ({
      config,
      serializableModuleMap: moduleMap.toJSON(),
    }));
    return JSON.stringify({ serializableResolvers });
  }

  async #startNest(): Promise<Nest> {
    const { jest } = this.#options;
    const started = startTemplate(jest);
    const why = await started.template.take({ step: 'begin', runner: jest.runner, setup: this.#setup() });
    if (why === undefined) return { started, rehearsals: new Map() };
    await started.end();
    throw new Error(why);
  }

  #newNest(): Promise<Nest> {
    const nest = this.#startNest();
    this.#nests.push(nest);
    return nest;
  }

  /** Rejects if files cannot be forked from a process that has loaded Jest. */
  async begin(): Promise<void> {
    await this.#newNest();
  }

  /** The one that files are forked from. If its process has ended, another. */
  async #nest(): Promise<Nest> {
    const latest = await this.#nests.at(-1);
    return latest === undefined || latest.started.template.isClosed ? this.#newNest() : latest;
  }

  #request(path: string, config: ProjectConfig): string {
    const { globalConfig, context } = this.#options;
    const { changedFiles, sourcesRelatedToTestsInChangedFiles: related } = context;
    return JSON.stringify({
      config,
      globalConfig,
      path,
      context: {
        ...context,
        changedFiles: changedFiles && [...changedFiles],
        sourcesRelatedToTestsInChangedFiles: related && [...related],
      },
    });
  }

  /** A template that has rehearsed for the project, and that nothing speaks against forking from. */
  async #ready({ path, context: { config } }: Test): Promise<Nest> {
    const nest = await this.#nest();
    const { rehearsals, started } = nest;
    if (!this.#bare.has(config.id) && !rehearsals.has(config.id)) {
      const request = this.#request(path, config);
      const said = started.template
        .take({ step: 'rehearse', request })
        .catch((error: Error) => error.message);
      rehearsals.set(config.id, said);
    }
    const refused = await firstRefused(rehearsals);
    if (refused === undefined) return nest;
    this.#giveUp(nest, refused);
    return this.#ready({ path, context: { config } } as Test);
  }

  /** What is against it is in the process by then: another template does without the rehearsal. */
  #giveUp(nest: Nest, [project, why]: [string, string]): void {
    if (this.#bare.has(project)) return;
    this.#bare.add(project);
    this.#options.warn(`what every file needs is loaded by each file anew: ${why}`);
    void nest.started.end();
    this.#newNest();
  }

  // --- Files ---

  /** Rejects with CannotFork if there is no process for it. */
  async file(test: Test, workerId: number): Promise<Outcome> {
    const request = this.#request(test.path, test.context.config);
    const entry = { request, workerId: String(workerId) };
    const [here, there] = socketpair();
    let child: Child;
    try {
      const { started } = await this.#ready(test);
      child = await started.template.run(entry, [there]);
    } catch (error) {
      closeSync(here);
      throw new CannotFork((error as Error).message);
    } finally {
      closeSync(there);
    }
    return this.#outcome(child, new Socket({ fd: here }));
  }

  async #outcome(child: Child, socket: Socket): Promise<Outcome> {
    const { jest, globalConfig } = this.#options;
    let outcome: Outcome | undefined;
    let timer: NodeJS.Timeout | undefined;
    const closed = new Promise<void>((resolve) => {
      socket.on('error', () => {}).once('close', () => resolve());
    });
    this.#living.add(child);
    if (this.#isInterrupted) child.kill(constants.signals.SIGKILL);
    readFrames(socket, (message) => {
      const said = message as FromFile;
      if ('event' in said) return this.#report(unpack(said.event, jest));
      outcome =
        'result' in said ? { result: unpack(said.result, jest) } : { failure: unpack(said.failure, jest) };
      const patience = globalConfig.workerGracefulExitTimeout ?? UNTIL_KILLED;
      timer = setTimeout(() => child.kill(constants.signals.SIGKILL), patience);
    });
    const ended = await child.ended;
    this.#living.delete(child);
    clearTimeout(timer);
    // What it has said last may still be on its way.
    if (outcome === undefined) await closed;
    socket.destroy();
    return outcome ?? { failure: failureOf(ended, child.pid) };
  }

  #report(said: unknown): void {
    const [event, data] = Array.isArray(said) ? said : [];
    if (EVENTS.includes(event) && Array.isArray(data)) void this.#options.emit(event, data);
  }

  // --- The end ---

  /** Ends the processes of all files, also of those that are under way. */
  interrupt(): void {
    this.#isInterrupted = true;
    for (const child of this.#living) child.kill(constants.signals.SIGKILL);
  }

  /** Resolves when nothing of it is left. */
  async end(): Promise<void> {
    const nests = await Promise.allSettled(this.#nests);
    await Promise.all(nests.map((nest) => nest.status === 'fulfilled' && nest.value.started.end()));
  }
}

/** A file is forked when nothing is being rehearsed, so that no file has half of it. */
async function firstRefused(rehearsals: Nest['rehearsals']): Promise<[string, string] | undefined> {
  for (const [project, said] of rehearsals) {
    const why = await said;
    if (why !== undefined) return [project, why];
  }
  return undefined;
}
