/** Jest's packages, as the Jest that runs has them. It may not be the one that is found from here. */
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import type { GlobalConfig, On, RunContext, Runner } from './jest';

const CORE = join('@jest', 'core', 'build', 'index.js');

/** What Jest's own workers consist of. */
export interface TestWorker {
  setup(setupData: unknown): Promise<void>;
  worker(request: object): Promise<unknown>;
}

/** By which Jest's workers send what JSON has no form for. */
interface StructuredClone {
  serialize(value: unknown, options: { json: true }): unknown;
  deserialize(records: unknown): unknown;
}

interface Emitter {
  on: On;
  emit(event: string, data: readonly unknown[]): Promise<void>;
}

/** The file of jest-runner that belongs to the Jest in this process. Throws where there is none. */
export function runnerOfThisJest(rootDir: string): string {
  const core = Object.keys(require.cache).find((path) => path.endsWith(CORE));
  if (core !== undefined) return createRequire(core).resolve('jest-runner');
  const jest = createRequire(join(rootDir, 'package.json')).resolve('jest');
  return createRequire(createRequire(jest).resolve('@jest/core')).resolve('jest-runner');
}

export class JestPackages {
  /** The file of jest-runner. */
  readonly runner: string;
  readonly #fromRunner: NodeJS.Require;
  readonly #fromWorker: NodeJS.Require;

  constructor(runner: string) {
    this.runner = runner;
    this.#fromRunner = createRequire(runner);
    this.#fromWorker = createRequire(this.#fromRunner.resolve('jest-worker'));
  }

  get version(): string {
    return (this.#fromRunner('../package.json') as { version: string }).version;
  }

  get Runner(): new (
    globalConfig: GlobalConfig,
    context: RunContext,
    options?: object,
  ) => Runner {
    return (this.#fromRunner(this.runner) as { default: JestPackages['Runner'] }).default;
  }

  get testWorker(): TestWorker {
    return this.#fromRunner('./testWorker.js') as TestWorker;
  }

  /** The program of Jest's own workers. */
  get workerProgram(): string {
    return join(dirname(this.#fromRunner.resolve('jest-worker')), 'processChild.js');
  }

  get structuredClone(): StructuredClone {
    return this.#fromWorker('@ungap/structured-clone') as StructuredClone;
  }

  /** Whether Jest shows colours on standard output. */
  get showsColours(): boolean {
    return Boolean((this.#fromWorker('supports-color') as { stdout: unknown }).stdout);
  }

  /** By which jest-runner tells its listeners. */
  get Emitter(): new () => Emitter {
    return this.#fromRunner('emittery') as new () => Emitter;
  }

  /** A package that jest-runner needs. */
  load(name: string): unknown {
    return this.#fromRunner(name);
  }

  resolve(name: string): string {
    return this.#fromRunner.resolve(name);
  }
}
