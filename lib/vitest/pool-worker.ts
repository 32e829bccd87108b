/** What vitest has for each test file: it starts, hears and ends the process of that file, or has vitest's own pool do it. */
import { EventEmitter } from 'node:events';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import type { PoolOptions, PoolWorker, WorkerRequest } from 'vitest/node' with {
  'resolution-mode': 'import',
};
import { clearTimeout, setTimeout } from '../base/timers';
import type { Peer } from './hub';
import { asCall } from './orders';
import type { PoolProcess } from './pool-process';
import { refusal } from './refusals';
import type { FileRequest, StartRequest, Template, Templates, Through } from './templates';

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
    const isOver = this.#isStopping || this.#child?.peer.isClosed;
    if (isOver) return;
    if (message.type === 'start') return this.#begin(message);
    if (message.type === 'run' || message.type === 'collect') await this.#forkFor(message);
    if (this.#child !== undefined) this.#child.peer.tellVitest(message);
    else if (message.type === 'stop') this.#answer('stopped');
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
    child.peer.closed.then(() => this.#emit('exit'));
    const [poolId, workerId] = [String(begin.poolId), String(begin.workerId)];
    const own = template.isSetUp ? undefined : begin;
    const error = await this.#through(child, () =>
      child.peer.ask({ order: 'become', poolId, workerId, begin: own }),
    );
    if (error !== undefined) throw error;
    child.peer.onVitest = (message) => this.#emit('message', message);
    child.peer.ref();
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
