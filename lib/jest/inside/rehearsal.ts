/** What every file of a project begins with is done once, in a template: nothing of the user's is evaluated for it. */
import { join } from 'node:path';
import type { ProjectConfig } from '../jest';
import type { FileRequest } from '../messages';
import type { JestPackages, TestWorker } from '../packages';
import { PreparedEnvironment } from './prepared-environment';

interface Transform {
  createScriptTransformer(config: ProjectConfig, cacheFS: Map<string, string>): Promise<unknown>;
}

const FILE = join(__dirname, 'rehearsed-file.js');
/** Jest's own: nothing outside of the process hears of them. */
const NODE = /\/jest-environment-node\/build\/index\.js$/;
const JSDOM = /\/jest-environment-jsdom\/build\/index\.js$/;
const KNOWN_TEST_RUNNER = /\/jest-circus\/build\/runner\.js$/;

export class Rehearsal {
  readonly #jest: JestPackages;
  readonly #worker: TestWorker;
  readonly #request: FileRequest;
  #environment: PreparedEnvironment | undefined;

  constructor(jest: JestPackages, worker: TestWorker, request: FileRequest) {
    this.#jest = jest;
    this.#worker = worker;
    this.#request = request;
  }

  async run(): Promise<void> {
    const { config } = this.#request;
    const { testEnvironment } = config;
    const isKnown = NODE.test(testEnvironment) || JSDOM.test(testEnvironment);
    if (KNOWN_TEST_RUNNER.test(config.testRunner) && !config.runtime) await this.#runFile(isKnown);
    await this.#loadTransforms();
    // A document of jsdom is loading when a file begins, which hears of its events.
    if (NODE.test(testEnvironment)) this.#environment = new PreparedEnvironment(this.#jest, this.#request);
  }

  /** By Jest's own code. Setup files are the user's, and not evaluated. */
  async #runFile(isKnown: boolean): Promise<void> {
    const { config, globalConfig, context } = this.#request;
    const testEnvironment = isKnown ? config.testEnvironment : this.#jest.resolve('jest-environment-node');
    await this.#worker.worker({
      path: FILE,
      context,
      config: { ...config, testEnvironment, setupFiles: [], setupFilesAfterEnv: [], detectLeaks: false },
      globalConfig: { ...globalConfig, collectCoverage: false, logHeapUsage: false, silent: true },
    });
  }

  async #loadTransforms(): Promise<void> {
    const { createScriptTransformer } = this.#jest.load('@jest/transform') as Transform;
    await createScriptTransformer(this.#request.config, new Map());
  }

  /** In the process of a file: what is prepared is for the first environment that it makes. */
  handOver(workerId: string): void {
    this.#environment?.handOver(workerId);
  }
}
