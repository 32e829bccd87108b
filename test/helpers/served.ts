import { request } from 'node:http';
import { text } from 'node:stream/consumers';
import { onTestFailed, onTestFinished } from 'vitest';
import { COMMAND, type Files, folderWith } from './command';
import { Program } from './run';

const DEADLINE = 60_000; // ms

export interface ServeOptions {
  files?: Files;
  env?: Record<string, string>;
  /** In place of node: a command that runs it. */
  under?: string[];
  /** node's own arguments; the command is left out if they do its work. */
  node?: string[];
  command?: boolean;
  /** Milliseconds after which it is killed, and the test fails. */
  deadman?: number;
  /** The log line that says that it serves. */
  until?: RegExp;
}

export interface Where {
  port?: number;
  host?: string;
  socketPath?: string;
}

/** One `prefork` while it serves. Nothing of its process group outlives the test. */
export class Served {
  readonly running: Program;
  readonly folder: string;

  constructor(running: Program, folder: string) {
    this.running = running;
    this.folder = folder;
  }

  get log(): string {
    return this.running.stderr;
  }

  /** That it has said it listens on, in their order. */
  get ports(): number[] {
    return [...this.log.matchAll(/Listening on .*/g)].flatMap(([line]) =>
      [...line.matchAll(/\]?:(\d+)(?=,|"| with)/g)].map(([, port]) => Number(port)),
    );
  }

  /** Until the log says so; a failure if it ends first. */
  until(pattern: RegExp, times = 1): Promise<void> {
    return this.running.until(pattern, times);
  }

  /** The answer to a request on a connection of its own. */
  ask(path = '/', where: Where = {}): Promise<string> {
    const at = { host: '127.0.0.1', ...(where.socketPath ? {} : { port: this.ports[0] ?? 0 }), ...where };
    return new Promise((resolve, reject) => {
      const sent = request({ ...at, path, agent: false }, (response) => text(response).then(resolve, reject));
      sent.on('error', reject);
      sent.end();
    });
  }

  /** What the fixture server says of the worker that answers. */
  async info(): Promise<Record<string, unknown> & { id: number; pid: number }> {
    return JSON.parse(await this.ask('/'));
  }

  /** Ends it as an operator would; answers how it ended. */
  stop(signal: NodeJS.Signals = 'SIGTERM'): Promise<string> {
    this.running.kill(signal);
    return this.running.exit();
  }
}

/** Starts `prefork args…` in a folder of its own, and waits until it serves. */
export async function serve(args: string[], options: ServeOptions = {}): Promise<Served> {
  const served = launch(args, options);
  await served.until(options.until ?? /workers? ready/);
  return served;
}

export function launch(args: string[], options: ServeOptions = {}): Served {
  const { files = {}, env = {}, under = [], node = [], command = true, deadman = DEADLINE } = options;
  const folder = folderWith(files);
  const line = [...under, process.execPath, ...node, ...(command ? [COMMAND] : []), ...args];
  const [first = '', ...rest] = line;
  const running = new Program(first, rest, { cwd: folder, env, clean: true, deadman });
  onTestFailed(() => console.error(`${line.join(' ')}\n${running.stdout}\n${running.stderr}`));
  onTestFinished(() => running.sweep());
  return new Served(running, folder);
}
