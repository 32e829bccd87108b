/** Of what Jest hands to a runner, that which is needed here. Jest is no dependency: its own types may not be there. */

/** One project's settings. */
export interface ProjectConfig {
  /** Jest's name of the project. */
  id: string;
  /** The folder of the project. */
  rootDir: string;
  /** Paths of files that are evaluated before each test file. */
  setupFiles: string[];
  /** The path of its environment. */
  testEnvironment: string;
  /** The path of what runs the tests of a file. */
  testRunner: string;
  /** The path of what stands in for jest-runtime. */
  runtime?: string | undefined;
}

/** The settings of all. */
export interface GlobalConfig {
  /** Whether Jest looks for what keeps its process from ending. */
  detectOpenHandles: boolean;
  /** How many files run at a time. */
  maxWorkers: number;
  /** The folder that Jest was started for. */
  rootDir: string;
  /** Milliseconds that a process has for its end. */
  workerGracefulExitTimeout?: number | undefined;
  /** Bytes that a worker of Jest's own may have between two files. */
  workerIdleMemoryLimit?: number | undefined;
  /** Whether Jest's own workers are threads. */
  workerThreads?: boolean | undefined;
}

/** What has changed, where Jest looks at that. */
export interface RunContext {
  /** Paths of files that have changed. */
  changedFiles?: Set<string> | undefined;
  /** Paths of files that tests which have changed are about. */
  sourcesRelatedToTestsInChangedFiles?: Set<string> | undefined;
}

/** What the test files of a project have in common. */
export interface TestContext {
  /** The settings of the project. */
  config: ProjectConfig;
  /** Where modules are found. */
  moduleMap: ModuleMap;
}

/** Jest's list of modules. */
export interface ModuleMap {
  /** What Jest hands to its workers. */
  toJSON(): unknown;
}

/** A test file. */
export interface Test {
  /** Its path. */
  path: string;
  /** Its project, and where modules are found in it. */
  context: TestContext;
}

/** What a watcher tells. */
export interface WatcherState {
  /** Whether the run is. */
  interrupted: boolean;
}

/** Says whether the run is interrupted, by a key in watch mode or by a failure with `bail`. */
export interface Watcher {
  /** Whether it is. */
  isInterrupted(): boolean;
  /** Calls back when that changes. Returns a function that ends it. */
  on(event: 'change', listener: (state: WatcherState) => void): () => void;
}

/** Jest's name of something that happens, and the function that it has called with what that is about. */
export type On = (event: string, listener: (data: never) => void | Promise<void>) => () => void;

/** A runner of test files. */
export interface Runner {
  readonly supportsEventEmitters: boolean;
  runTests(tests: Test[], watcher: Watcher, options: { serial: boolean }): Promise<void>;
  on: On;
}
