/**
 * A runner for Jest 30 in which every test file has a process of its own, at the cost of a fork: `runner: 'prefork/jest'` in
 * Jest's configuration.
 * @module
 */
import type { GlobalConfig, RunContext, Runner, Test, Watcher } from './jest/jest';
import { JestPackages, runnerOfThisJest } from './jest/packages';
import { refusal } from './jest/refusals';
import { CannotFork, type Outcome, Run } from './jest/run';

const said = new Set<string>();

/** Once in a process: in watch mode there is a runner for each run. */
function warn(text: string): void {
  if (said.has(text)) return;
  said.add(text);
  process.emitWarning(`prefork/jest: ${text}`, 'PreforkWarning');
}

/** What jest-runner tells of. */
const EVENTS = [
  'test-file-start',
  'test-file-success',
  'test-file-failure',
  'test-case-start',
  'test-case-result',
];

/**
 * What Jest makes for `runner: 'prefork/jest'`, and calls.
 *
 * Each test file runs in a process of its own. But this is no new Node: it is forked from a process that Jest's own worker
 * code is loaded in, and that has run an empty file. What a worker of Jest's does for a file is done by the same code.
 *
 * Where that cannot be, jest-runner runs the files, and a warning (`PreforkWarning`) says why: elsewhere than on Linux, with
 * `--detectOpenHandles`, with `workerThreads`, with a debugger or a profiler.
 *
 * See docs/testing.md.
 */
class TestRunner {
  /** Jest's word for a runner that has `on()`. */
  readonly supportsEventEmitters = true;
  readonly #globalConfig: GlobalConfig;
  readonly #context: RunContext;
  readonly #jest: JestPackages;
  readonly #emitter: InstanceType<JestPackages['Emitter']>;

  /** Called by Jest, with its own settings. */
  constructor(globalConfig: GlobalConfig, context: RunContext) {
    this.#globalConfig = globalConfig;
    this.#context = context;
    this.#jest = new JestPackages(runnerOfThisJest(globalConfig.rootDir));
    this.#emitter = new this.#jest.Emitter();
  }

  /** Called by Jest, which is told so of what happens. Returns a function that ends it. */
  on(event: string, listener: (data: never) => void | Promise<void>): () => void {
    return this.#emitter.on(event, listener);
  }

  /** Called by Jest. Resolves when all files have run, or when the run was interrupted; no process is left by then. */
  async runTests(tests: Test[], watcher: Watcher, options: { serial: boolean }): Promise<void> {
    const [jest, globalConfig, context] = [this.#jest, this.#globalConfig, this.#context];
    const run = new Run({ jest, globalConfig, context, tests, warn, emit: this.#emit });
    const why = refusal(globalConfig, jest) ?? (await run.begin().catch((error: Error) => error.message));
    if (why !== undefined) {
      warn(`the test files run in jest-runner: ${why}`);
      return this.#jestRunner(globalConfig, EVENTS).runTests(tests, watcher, options);
    }
    if (globalConfig.workerIdleMemoryLimit)
      warn('workerIdleMemoryLimit is ignored: each file gives its memory back when it is done');
    const unsubscribe = watcher.on('change', ({ interrupted }) => {
      if (interrupted) run.interrupt();
    });
    try {
      await this.#runAll([...tests], run, watcher, options.serial ? 1 : globalConfig.maxWorkers);
    } finally {
      unsubscribe();
      await run.end();
    }
  }

  /** So many files at a time, each with a number of its own. */
  async #runAll(tests: Test[], run: Run, watcher: Watcher, places: number): Promise<void> {
    const work = async (workerId: number): Promise<void> => {
      for (let test = tests.shift(); test !== undefined; test = tests.shift()) {
        if (watcher.isInterrupted()) return;
        await this.#runOne(test, run, watcher, workerId);
      }
    };
    await Promise.all(Array.from({ length: places }, (_, index) => work(index + 1)));
  }

  async #runOne(test: Test, run: Run, watcher: Watcher, workerId: number): Promise<void> {
    await this.#emit('test-file-start', [test]);
    let outcome: Outcome;
    try {
      outcome = await run.file(test, workerId);
    } catch (error) {
      if (!(error instanceof CannotFork)) throw error;
      warn(`${test.path} runs in a worker of Jest's own: ${error.message}`);
      const [, ...others] = EVENTS;
      const alone = { ...this.#globalConfig, maxWorkers: 1 };
      return this.#jestRunner(alone, others).runTests([test], watcher, { serial: false });
    }
    if ('result' in outcome) await this.#emit('test-file-success', [test, outcome.result]);
    else await this.#emit('test-file-failure', [test, outcome.failure]);
  }

  /** Whoever is told sees nothing of this on the stack, which Jest shows of an error. */
  readonly #emit = (event: string, data: readonly unknown[]): Promise<void> =>
    new Promise((resolve, reject) => {
      this.#emitter.emit(event, data).then(
        () => resolve(),
        (error) => reject(error),
      );
    });

  /** jest-runner, which tells the same listeners of these events. */
  #jestRunner(globalConfig: GlobalConfig, events: readonly string[]): Runner {
    const runner = new this.#jest.Runner(globalConfig, this.#context);
    for (const event of events) runner.on(event, (data) => this.#emit(event, data));
    return runner;
  }
}

export = TestRunner;
