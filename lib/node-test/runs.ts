/** Runs of node:test whose files are forked: what they start is recognised, and runs in a fork, or by itself if it cannot. */
import { AsyncLocalStorage } from 'node:async_hooks';
import { type ChildProcess, spawn } from 'node:child_process';
import { constants } from 'node:os';
import type { Child } from '../testing/template';
import { type Entry, WORKER_ID } from './entry';
import { apart, intercept, type SpawnedFile, type Spawning } from './intercept';
import { refusal } from './refusals';
import type { Kind } from './start';
import { Templates } from './templates';

/** What node:test tells the process of a file. */
const IS_TEST_FILE = 'NODE_TEST_CONTEXT=child-v8';

export interface RunChoices {
  /** Modules that are evaluated once, before the files. */
  preload: readonly string[];
  /** What node:test is to add after each file; it does not before Node 22. */
  argv: readonly string[];
  /** An option of Node that the processes of files are not to have. */
  hidden?: string;
}

export class Run {
  readonly #choices: RunChoices;
  readonly #templates: Templates;
  readonly #said = new Set<string>();

  constructor(choices: RunChoices) {
    this.#choices = choices;
    this.#templates = new Templates(choices.preload, (text) => this.#warn(text));
  }

  #warn(text: string): void {
    if (this.#said.has(text)) return;
    this.#said.add(text);
    process.emitWarning(`prefork/test: ${text}`, 'PreforkWarning');
  }

  /** Whether its process is to be a fork. */
  wants(options: Spawning): boolean {
    const isTestFile = options.file === process.execPath && options.envPairs?.includes(IS_TEST_FILE) === true;
    if (!isTestFile) return false;
    options.args = options.args.filter((word) => word !== this.#choices.hidden);
    const reason = refusal(options);
    if (reason !== undefined) this.#warn(`the test files are started by node:test itself: ${reason}`);
    return reason === undefined;
  }

  async begin(file: SpawnedFile): Promise<void> {
    const { kind, entry } = this.#taken(file.options);
    const child = await this.#fork(kind, entry, file.streams);
    if (child === undefined) return startByItself(file, kind, entry);
    file.begins(child.kill);
    file.ends(await child.ended);
  }

  /** Takes apart what node:test has put together. */
  #taken({ file, args, cwd, envPairs = [] }: Spawning): { kind: Kind; entry: Entry } {
    const words = args.slice(1);
    const { argv: added } = this.#choices;
    const isAdded = added.every((word, index) => word === words.at(index - added.length));
    const at = words.length - 1 - (isAdded ? added.length : 0);
    const [execArgv, path = '', argv] = [words.slice(0, at), words[at], words.slice(at + 1)];
    const { [WORKER_ID]: id, ...env } = Object.fromEntries(
      envPairs.map((pair): [string, string] => {
        const end = pair.indexOf('=', 1);
        return [pair.slice(0, end), pair.slice(end + 1)];
      }),
    );
    return {
      kind: { execPath: file, execArgv, cwd, env },
      entry: { path, argv, env: id === undefined ? {} : { [WORKER_ID]: id } },
    };
  }

  async #fork(kind: Kind, entry: Entry, streams: readonly number[]): Promise<Child | undefined> {
    try {
      const template = await this.#templates.of(kind);
      return await template?.run(entry, streams);
    } catch (error) {
      this.#warn(`${entry.path} is started by node:test itself: ${(error as Error).message}`);
      return undefined;
    }
  }

  /** When all its files have ended. */
  retire(): void {
    this.#templates.retire();
  }
}

/** As node:test would have, with streams that are there already. */
function startByItself(file: SpawnedFile, { execPath, execArgv, cwd, env }: Kind, entry: Entry): void {
  const child: ChildProcess = apart(() =>
    spawn(execPath, [...execArgv, entry.path, ...entry.argv], {
      cwd,
      env: { ...env, ...entry.env },
      stdio: [...file.streams],
    }),
  );
  file.begins((signal) => child.kill(signal));
  child.once('error', (error: NodeJS.ErrnoException) => {
    file.ends({ status: error.errno ?? -constants.errno.EIO, signal: '' });
  });
  child.once('exit', (status, signal) => file.ends({ status: status ?? 0, signal: signal ?? '' }));
}

const runs = new AsyncLocalStorage<Run>();
/** That of a process which runs node:test and nothing else. */
let only: Run | undefined;
let isIntercepting = false;

function current(): Run | undefined {
  return runs.getStore() ?? only;
}

function interceptOnce(): void {
  if (isIntercepting) return;
  isIntercepting = true;
  intercept(
    (options) => current()?.wants(options) === true,
    (file) => void current()?.begin(file),
  );
}

/** Whatever `start` has node:test start, then or later, belongs to this run. */
export function within<T>(run: Run, start: () => T): T {
  interceptOnce();
  return runs.run(run, start);
}

/** Whatever node:test starts in this process belongs to this run. */
export function everywhere(run: Run): void {
  interceptOnce();
  only = run;
}
