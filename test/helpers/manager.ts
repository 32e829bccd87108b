import { Agent, request } from 'node:http';
import { text } from 'node:stream/consumers';
import type { Settings } from '../../lib/manager/settings';
import { type Program, type RunOptions, start } from './run';

export interface Entry {
  event: string;
  message?: string;
  level?: string;
  pid?: number;
  port?: number;
  heap?: number;
  [field: string]: unknown;
}

export interface Where {
  port?: number;
  socketPath?: string;
  host?: string;
  /** From which the client connects: on Linux any of 127.0.0.0/8 is this machine's. */
  localAddress?: string;
  agent?: Agent | false;
}

/** One request; `signal` and the like end it with an error, as they would end a client. */
export function get({ agent = false, host = '127.0.0.1', ...where }: Where, path = '/'): Promise<string> {
  return new Promise((resolve, reject) => {
    const options = { host, agent, path, ...where };
    request(options, (response) => text(response).then(resolve, reject))
      .on('error', reject)
      .end();
  });
}

/** An application of test/fixtures/manager under the manager. */
export class Managed {
  readonly program: Program;
  port = 0;

  constructor(
    application: string,
    settings: Partial<Omit<Settings, 'restart'>> & { restart?: Partial<Settings['restart']> } = {},
    options: RunOptions = {},
  ) {
    const env = { OPTIONS: JSON.stringify(settings), NODE_ENV: '', ...options.env };
    this.program = start('manager/run.js', { ...options, env, args: [application] });
  }

  async #next(): Promise<Entry> {
    for (;;) {
      const line = await this.program.line();
      if (!line.startsWith('{')) continue;
      const entry = JSON.parse(line) as Entry;
      if (entry.event === 'serving') this.port = entry.port ?? 0;
      return entry;
    }
  }

  /** The next thing of that name that it logs; what comes before is skipped. */
  async until(event: string, matching: (entry: Entry) => boolean = () => true): Promise<Entry> {
    for (;;) {
      const entry = await this.#next();
      if (entry.event === event && matching(entry)) return entry;
    }
  }

  /** The next of each of these names, whichever comes first: the manager acts before it logs, and a worker may have said more by then. */
  async untilAll<const Names extends readonly string[]>(
    ...events: Names
  ): Promise<{ [Name in keyof Names]: Entry }> {
    const found = new Map<string, Entry>();
    while (events.some((event) => !found.has(event))) {
      const entry = await this.#next();
      if (events.includes(entry.event) && !found.has(entry.event)) found.set(entry.event, entry);
    }
    return events.map((event) => found.get(event)) as { [Name in keyof Names]: Entry };
  }

  async started(): Promise<this> {
    await this.until('workers_ready');
    return this;
  }

  async ask<T>(path: string): Promise<T> {
    return JSON.parse(await get({ port: this.port }, path)) as T;
  }

  signal(signal: NodeJS.Signals): void {
    this.program.kill(signal);
  }

  /** Everything it logged, and its status; for programs that end by themselves or have been told to. */
  async end(): Promise<{ status: number | null; entries: Entry[]; stderr: string }> {
    const { status, stdout, stderr } = await this.program.result;
    const entries = stdout
      .split('\n')
      .filter((line) => line.startsWith('{'))
      .map((line) => JSON.parse(line) as Entry);
    return { status, entries, stderr };
  }

  async stop(): Promise<{ status: number | null; entries: Entry[]; stderr: string }> {
    this.signal('SIGTERM');
    return this.end();
  }
}

/** Clients that ask without pause, each over a connection that it keeps. */
export class Load {
  answered = 0;
  readonly errors: string[] = [];
  readonly #clients: Promise<void>[];
  readonly #agent = new Agent({ keepAlive: true, maxSockets: 16 });
  #stopped = false;

  constructor(port: number, clients = 16) {
    this.#clients = Array.from({ length: clients }, () => this.#client(port));
  }

  async #client(port: number): Promise<void> {
    while (!this.#stopped) {
      try {
        await get({ port, agent: this.#agent });
        this.answered += 1;
      } catch (error) {
        const { code = String(error) } = error as NodeJS.ErrnoException;
        // Nobody listens any more: nothing was lost.
        if (code === 'ECONNREFUSED') return;
        this.errors.push(code);
      }
    }
  }

  async stop(): Promise<void> {
    this.#stopped = true;
    await Promise.all(this.#clients);
    this.#agent.destroy();
  }

  /** Until nobody listens. */
  async refused(): Promise<void> {
    await Promise.all(this.#clients);
    this.#agent.destroy();
  }
}
