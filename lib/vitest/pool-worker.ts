/** What vitest has for each test file: it starts, hears and ends the process of that file, or has vitest's own pool do it. */
import { EventEmitter } from 'node:events';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import type { PoolOptions, PoolWorker, WorkerRequest } from 'vitest/node' with {
  'resolution-mode': 'import',
};
import { clearTimeout, setTimeout } from '../base/timers';
import { signalName, WEXITSTATUS, WIFSIGNALED, WTERMSIG } from '../wait/status';
import { HeldRun } from './held-run';
import type { Peer } from './hub';
import { asCall, asResponse } from './orders';
import type { PoolProcess } from './pool-process';
import { refusal } from './refusals';
import type { FileRequest, StartRequest, Through } from './requests';
import { Results } from './results';
import type { Template, Templates } from './templates';
import type { WarmChild } from './warm-templates';

export const NAME = 'prefork';

type Run = Awaited<ReturnType<Templates['run']>>;
type Listener = Parameters<PoolWorker['on']>[1];

/** Milliseconds from SIGTERM to SIGKILL, as in vitest's own pool. */
const UNTIL_KILLED = 500;

/** Projects that have heard why they run in vitest's own pool. */
const warned = new WeakSet<object>();

function warn({ project }: PoolOptions, reason: string): void {
  if (warned.has(project)) return;
  warned.add(project);
  const name = project.name === '' ? '' : ` of project ${project.name}`;
  project.vitest.logger.warn(
    `prefork/vitest: the test files${name} run in vitest's own pool, forks: ${reason}.`,
  );
}

/** As child_process has it: a code, or a signal. */
function exitOf(status: number | undefined): [code?: number | null, signal?: NodeJS.Signals | null] {
  if (status === undefined) return [];
  return WIFSIGNALED(status) ? [null, signalName(WTERMSIG(status))] : [WEXITSTATUS(status), null];
}

export class PreforkWorker implements PoolWorker {
  readonly name = NAME;
  /** vitest hands transformed modules over in files, as to its own processes. */
  readonly cacheFs = true;
  readonly #options: PoolOptions;
  readonly #templates: Templates;
  readonly #events = new EventEmitter();
  /** vitest's own, in whose place this is not. */
  #forks: PoolWorker | undefined;
  #run: Run | undefined;
  #request: StartRequest | undefined;
  #template: Template | undefined;
  #child: PoolProcess | undefined;
  #isStopping = false;
  /** Which template has asked vitest, by the id of the call. */
  readonly #asked = new Map<string, Peer>();
  /** What vitest has been told late, by the id of the call, until it has heard it. */
  readonly #toldLate = new Set<string>();
  #onAllHeard: () => void = () => {};
  /** What vitest wants is done in order. */
  #steps: Promise<void> = Promise.resolve();

  constructor(options: PoolOptions, templates: Templates) {
    this.#options = options;
    this.#templates = templates;
  }

  // --- What vitest calls ---

  async start(): Promise<void> {
    try {
      const reason = refusal(this.#options);
      if (reason !== undefined) return await this.#fallBack(reason);
      this.#run = await this.#templates.run(this.#options);
    } catch (error) {
      await this.#fallBack(`nothing can be forked here: ${(error as Error).message}`);
    }
  }

  on(event: string, callback: Listener): void {
    if (this.#forks !== undefined) this.#forks.on(event, callback);
    else this.#events.on(event, callback);
  }

  off(event: string, callback: Listener): void {
    if (this.#forks !== undefined) this.#forks.off(event, callback);
    else this.#events.off(event, callback);
  }

  deserialize(data: unknown): unknown {
    return data;
  }

  send(message: WorkerRequest): void {
    const asked = this.#whoAsked(message);
    if (this.#forks !== undefined) this.#forks.send(message);
    else if (this.#isHeard(message)) return;
    else if (asked !== undefined) asked.tellVitest(message);
    else
      this.#steps = this.#steps.then(() => this.#pass(message)).catch((error) => this.#emit('error', error));
  }

  async stop(): Promise<void> {
    if (this.#forks !== undefined) return this.#forks.stop();
    this.#isStopping = true;
    await this.#end();
  }

  // --- What becomes of it ---

  async #fallBack(reason: string): Promise<void> {
    warn(this.#options, reason);
    const { distPath } = this.#options;
    const { ForksPoolWorker } = (await import(pathToFileURL(join(distPath, 'node.js')).href)) as {
      ForksPoolWorker: new (options: PoolOptions) => PoolWorker;
    };
    this.#forks = new ForksPoolWorker(this.#options);
    await this.#forks.start();
  }

  #emit(event: string, value?: unknown): void {
    this.#events.emit(event, value);
  }

  /** vitest 5 tells how it has ended. */
  async #watch(child: PoolProcess): Promise<void> {
    await child.peer.closed;
    this.#events.emit('exit', ...exitOf(await child.ended));
  }

  #answer(type: 'started' | 'stopped', error?: unknown): void {
    this.#emit('message', { type, error, __vitest_worker_response__: true });
  }

  #whoAsked(message: unknown): Peer | undefined {
    const call = asCall(message);
    if (call?.t !== 's' || call.i === undefined) return undefined;
    const asked = this.#asked.get(call.i);
    this.#asked.delete(call.i);
    return asked;
  }

  readonly #through: Through = async ({ peer }, work) => {
    peer.onVitest = (message) => {
      const call = asCall(message);
      if (call?.i !== undefined) this.#asked.set(call.i, peer);
      this.#emit('message', message);
    };
    try {
      return await work();
    } finally {
      peer.onVitest = () => {};
    }
  };

  async #pass(message: WorkerRequest): Promise<void> {
    if (message.type === 'stop') return this.#askToStop(message);
    const isOver = this.#isStopping || this.#child?.peer.isClosed;
    if (isOver) return;
    if (message.type === 'start') return this.#begin(message);
    if (message.type === 'run' || message.type === 'collect') {
      const warm = await this.#template?.forkWarmFor(message, this.#through);
      if (warm !== undefined) return this.#runWarm(message, warm);
      await this.#forkFor(message);
    }
    this.#child?.peer.tellVitest(message);
  }

  /** vitest waits for the answer, whether or not there is still a process that can give it. */
  #askToStop(message: WorkerRequest): void {
    const answerLate = () => {
      if (!this.#isStopping) this.#answer('stopped');
    };
    const child = this.#child;
    if (child === undefined) answerLate();
    else {
      this.#templates.noteEnding(child.ended);
      child.peer.tellVitest(message);
      child.peer.closed.then(answerLate);
    }
  }

  /** The file is not known yet: only what all of its kind have is made. */
  async #begin(request: StartRequest): Promise<void> {
    // vitest's own name for it, which tests can see.
    this.#request = { ...request, context: { ...request.context, pool: 'forks' } };
    this.#template = this.#run?.template(this.#request);
    this.#answer('started', await this.#template?.begin(this.#through));
  }

  async #forkFor(request: FileRequest): Promise<void> {
    const [template, begin] = [this.#template, this.#request];
    if (template === undefined || begin === undefined)
      throw new Error('vitest runs a file before it has begun');
    const child = await template.forkFor(request, this.#through);
    this.#child = child;
    if (this.#isStopping) return this.#end();
    this.#watch(child);
    const own = template.isSetUp ? undefined : begin;
    const error = await this.#through(child, () =>
      child.peer.ask({ order: 'become', ...this.#numbers(begin), begin: own }),
    );
    if (error !== undefined) throw error;
    child.peer.onVitest = (message) => this.#emit('message', message);
    child.peer.ref();
  }

  #numbers({ poolId, workerId }: StartRequest): { poolId: string; workerId: string } {
    return { poolId: String(poolId), workerId: String(workerId) };
  }

  // --- A file that finds modules evaluated ---

  async #runWarm(request: FileRequest, { process: child, file }: WarmChild): Promise<void> {
    const begin = this.#request;
    if (begin === undefined) throw new Error('vitest runs a file before it has begun');
    this.#child = child;
    if (this.#isStopping) return this.#end();
    const held: HeldRun = new HeldRun({
      pass: (message) => this.#emit('message', message),
      answer: (message) => child.peer.tellVitest(message),
      end: (isGood) => {
        this.#steps = this.#steps
          .then(() => (isGood ? this.#tellLate(child, held) : this.#runAlone(request, held)))
          .catch((error) => this.#emit('error', error));
      },
    });
    child.peer.onVitest = (message) => held.hear(message);
    child.peer.closed.then(() => held.end(false));
    await child.peer.ask({ order: 'become', ...this.#numbers(begin), file }).catch(() => held.end(false));
    child.peer.ref();
  }

  #isHeard(message: unknown): boolean {
    const call = asCall(message);
    if (call?.t !== 's' || call.i === undefined || !this.#toldLate.delete(call.i)) return false;
    if (this.#toldLate.size === 0) this.#onAllHeard();
    return true;
  }

  /** The run counts: vitest hears of it as if it were just now. */
  async #tellLate(child: PoolProcess, { held }: HeldRun): Promise<void> {
    await child.peer.ask({ order: 'commit' });
    child.peer.ref();
    child.peer.onVitest = (message) => this.#emit('message', message);
    this.#watch(child);
    const calls = held.filter((message) => asResponse(message) === undefined);
    const ids = calls.map((message) => asCall(message)?.i).filter((id) => id !== undefined);
    const heard = new Promise<void>((resolve) => {
      this.#onAllHeard = resolve;
    });
    for (const id of ids) this.#toldLate.add(id);
    for (const call of calls) this.#emit('message', call);
    if (ids.length > 0) await heard;
    for (const response of held.filter((message) => asResponse(message) !== undefined))
      this.#emit('message', response);
  }

  /** The run does not count: there is another one, in a process in which nothing of the project's is evaluated. */
  async #runAlone(request: FileRequest, { results: warm, isCut }: HeldRun): Promise<void> {
    await this.#end();
    if (this.#isStopping) return;
    const file = request.context.files[0]?.filepath ?? '';
    this.#templates.distrust(file);
    await this.#forkFor(request);
    const child = this.#child;
    if (child === undefined) return;
    const alone = new Results();
    child.peer.onVitest = (message) => {
      alone.hear(message, asCall(message));
      const isOver = asResponse(message)?.type === 'testfileFinished';
      if (isOver && !isCut) this.#warnOf(file, alone.differences(warm));
      this.#emit('message', message);
    };
    child.peer.tellVitest(request);
  }

  #warnOf(file: string, differences: string[]): void {
    if (differences.length === 0) return;
    const { vitest } = this.#options.project;
    const more = differences.length > 5 ? `, and ${differences.length - 5} more` : '';
    vitest.logger.warn(
      `prefork/vitest: ${file} has another result where modules were evaluated before it (${differences.slice(0, 5).join('; ')}${more}). ` +
        `The one reported is that of the file alone. Option warm: false has every file evaluate all that it imports.`,
    );
  }

  async #end(): Promise<void> {
    const child = this.#child;
    if (child === undefined) return;
    const timer = setTimeout(() => child.kill('SIGKILL'), UNTIL_KILLED);
    child.kill('SIGTERM');
    await child.ended;
    clearTimeout(timer);
  }
}
