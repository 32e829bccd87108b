/** A service whose code changes while it runs, and the clients that must not notice. */
import { readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { Agent } from 'node:http';
import { join } from 'node:path';
import { onTestFailed } from 'vitest';
import { COMMAND, folderWith, program } from '../helpers/command';
import { get } from '../helpers/manager';
import { childrenOf } from '../helpers/proc';
import type { Program } from '../helpers/run';

/** Long, so that half of an answer is noticed. */
const FILLER = '.'.repeat(40_000);

function answerOf(version: number): string {
  return `version ${version} ${FILLER} end`;
}

/** An application that answers with its version: some at once, some in two pieces. */
export function application(version: number, port: number, more = ''): string {
  return `
    const { createServer } = require('node:http');
    const answer = 'version ${version} ' + '.'.repeat(${FILLER.length}) + ' end';
    let requests = 0;
    createServer((_, response) => {
      response.setHeader('Content-Length', answer.length);
      if (++requests % 8 !== 0) return response.end(answer);
      response.write(answer.slice(0, 20_000));
      setTimeout(() => response.end(answer.slice(20_000)), 20);
    }).listen(${port}, '127.0.0.1');
    ${more}`;
}

interface Entry {
  event: string;
  message: string;
}

export interface DeploymentOptions {
  port: number;
  /** A command that runs the manager. */
  under?: string[];
  /** The manager is not the process that is started, but its child. */
  isChild?: boolean;
  options?: string[];
  /** Node's own. */
  node?: string[];
  /** More files beside the application. */
  files?: Record<string, string>;
  /** Milliseconds. */
  deadman: number;
}

export class Deployment {
  readonly running: Program;
  readonly #file: string;
  readonly #isChild: boolean;
  /** How many workers the service has. */
  readonly workers = 2;

  constructor({
    port,
    under = [],
    isChild = false,
    options = [],
    node = [],
    files = {},
    deadman,
  }: DeploymentOptions) {
    const folder = folderWith({ 'app.js': application(1, port), ...files });
    this.#file = join(folder, 'app.js');
    this.#isChild = isChild;
    const command = [
      process.execPath,
      ...node,
      COMMAND,
      'app.js',
      '-w',
      String(this.workers),
      '--log-format',
      'json',
    ];
    // The log is read line by line, as standard output is.
    const words = ['-c', 'exec "$@" 2>&1', 'sh', ...under, ...command, ...options];
    this.running = program('sh', words, { cwd: folder, clean: true, deadman });
    onTestFailed(() => console.error(this.running.stdout.split('\n').slice(-40).join('\n')));
  }

  get manager(): number {
    return this.#isChild ? (this.running.children()[0] ?? 0) : this.running.pid;
  }

  /** The next entry of one of these names; what comes before is skipped. */
  async until(...events: string[]): Promise<Entry> {
    for (;;) {
      const line = await this.running.line();
      if (!line.startsWith('{"time"')) continue;
      const entry = JSON.parse(line) as Entry;
      if (events.includes(entry.event)) return entry;
    }
  }

  /** As whoever deploys would: the file is there, or it is not. */
  write(source: string | null): void {
    if (source === null) rmSync(this.#file);
    else writeFileSync(this.#file, source);
  }

  signal(signal: NodeJS.Signals): void {
    process.kill(this.manager, signal);
  }

  children(): number[] {
    return childrenOf(this.manager);
  }

  /** Until there are no processes but those of one generation. */
  async untilChildren(wanted: (children: number[]) => boolean): Promise<void> {
    while (!wanted(this.children())) await new Promise((resolve) => setTimeout(resolve, 5));
  }

  async stop(): Promise<string> {
    process.kill(this.manager, 'SIGTERM');
    return this.running.exit();
  }
}

/** Of one process: what it must not have more of from reload to reload. */
export interface Holdings {
  descriptors: number;
  /** Bytes. */
  private: number;
}

export function holdings(pid: number): Holdings {
  const status = readFileSync(`/proc/${pid}/status`, 'latin1');
  return {
    descriptors: readdirSync(`/proc/${pid}/fd`).length,
    // Without the pages of files, which the kernel brings in and takes back as it likes.
    private: Number(/^RssAnon:\s+(\d+) kB$/m.exec(status)?.[1]) * 1024,
  };
}

/** What V8 has not collected yet comes and goes, so the least of several looks counts. */
export function least(looks: Holdings[], what: keyof Holdings): number {
  return Math.min(...looks.map((look) => look[what]));
}

/** Clients that ask without pause, half of them over connections that they keep, and look at each answer. */
export class Clients {
  answered = 0;
  /** What should not have happened. */
  readonly wrong: string[] = [];
  readonly #port: number;
  readonly #clients: Promise<void>[];
  readonly #agent = new Agent({ keepAlive: true });
  #newest = 1;
  /** Who asks from now on must not be answered by one before that. */
  #oldest = 1;
  #isOver = false;

  constructor(port: number, count = 12) {
    this.#port = port;
    this.#clients = Array.from({ length: count }, (_, index) => this.#ask(index % 2 === 0 && this.#agent));
  }

  /** This version may answer from now on. */
  expect(version: number): void {
    this.#newest = version;
  }

  /** And no other one: nobody is left who could. */
  expectOnly(version: number): void {
    this.#oldest = version;
  }

  async #ask(agent: Agent | false): Promise<void> {
    while (!this.#isOver) {
      const oldest = this.#oldest;
      try {
        const answer = await get({ port: this.#port, agent });
        this.#look(answer, oldest);
      } catch (error) {
        this.wrong.push(String((error as NodeJS.ErrnoException).code ?? error));
      }
    }
  }

  #look(answer: string, oldest: number): void {
    const version = Number(/^version (\d+) /.exec(answer)?.[1]);
    if (answer !== answerOf(version)) this.wrong.push(`not whole: ${answer.slice(0, 20)}, ${answer.length}`);
    else if (version < oldest) this.wrong.push(`version ${version}, of which no worker is left: ${oldest}`);
    else if (version > this.#newest) this.wrong.push(`version ${version}, not to be served yet`);
    else this.answered += 1;
  }

  /** Until so many more have been answered. */
  async more(count: number): Promise<void> {
    const enough = this.answered + count;
    while (this.answered < enough && this.wrong.length === 0)
      await new Promise((resolve) => setTimeout(resolve, 5));
  }

  async stop(): Promise<void> {
    this.#isOver = true;
    await Promise.all(this.#clients);
    this.#agent.destroy();
  }
}
