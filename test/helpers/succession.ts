/** A manager whose code, Node and package change, for tests of SIGUSR2. */
import { cpSync, readFileSync, renameSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { onTestFailed, onTestFinished } from 'vitest';
import { folderWith, program } from './command';
import { events } from './events';
import { get } from './manager';
import { freePort } from './port';
import { ROOT } from './stdin';

/** An application that answers with its version, and Node's. */
export function version(number: number, port: number | string): string {
  return `
    const { createServer } = require('node:http');
    const server = createServer((_, response) => response.end('version ${number} on ' + process.version));
    server.listen(${JSON.stringify(port)}${typeof port === 'number' ? ", '127.0.0.1'" : ''});`;
}

/** Keeps a successor, before a line of prefork's own has run, until there is a file `go on`. */
const SLOW = `
  const { existsSync, writeSync } = require('node:fs');
  if ((process.env.PREFORK_SUCCESSION ?? '').includes('successor') && existsSync('slow')) {
    writeSync(1, 'starting\\n');
    const never = new Int32Array(new SharedArrayBuffer(4));
    while (!existsSync('go on')) Atomics.wait(never, 0, 0, 5);
  }`;

export interface Options {
  args?: string[];
  env?: Record<string, string>;
  under?: string[];
  auto?: boolean;
  /** Successors may be kept where they start: in what Node loads first, because it has to load something else, too. */
  slow?: boolean;
}

/** A link is swapped, as when a release becomes the current one. */
export function lead(link: string, target: string): void {
  symlinkSync(target, `${link}.new`);
  renameSync(`${link}.new`, link);
}

/** This package, with a change. */
export function packageWith(folder: string, file: string, change: (text: string) => string): string {
  const copy = join(folder, 'copy');
  for (const name of ['dist', 'package.json', 'build/Release/prefork.node'])
    cpSync(join(ROOT, name), join(copy, name), { recursive: true });
  symlinkSync(join(ROOT, 'node_modules'), join(copy, 'node_modules'));
  const changed = join(copy, file);
  writeFileSync(changed, change(readFileSync(changed, 'utf8')));
  return copy;
}

/** A `prefork` that is started by links: to Node, and to the package. */
export async function start({ args = [], env = {}, under = [], auto = false, slow = false }: Options = {}) {
  const port = freePort();
  const folder = folderWith({ 'app.js': version(1, port), 'preload.js': '' });
  const [node, ours] = [join(folder, 'node'), join(folder, 'prefork')];
  lead(node, process.execPath);
  lead(ours, slow ? packageWith(folder, 'dist/cli/first.js', (text) => `${SLOW}\n${text}`) : ROOT);
  const command = auto
    ? ['--import', join(ours, 'dist', 'auto.mjs'), 'app.js']
    : [join(ours, 'dist', 'cli', 'main.js'), 'app.js', '-w', '2', '--log-format', 'json', ...args];
  const [first = '', ...rest] = [...under, node, ...command];
  const options = slow ? { NODE_OPTIONS: '--require ./preload.js', ...env } : env;
  const running = program(first, rest, { cwd: folder, env: options, clean: true, deadman: 90_000 });
  onTestFailed(() => console.error(`${running.stdout}\n${running.stderr}`));
  onTestFinished(() => running.sweep());
  await running.until(/2 workers ready/);
  return {
    port,
    folder,
    running,
    node,
    ours,
    ...events(running),
    change: (number: number) => writeFileSync(join(folder, 'app.js'), version(number, port)),
    slowly: () => {
      rmSync(join(folder, 'go on'), { force: true });
      writeFileSync(join(folder, 'slow'), '');
    },
    goOn: () => writeFileSync(join(folder, 'go on'), ''),
    ask: () => get({ port }),
    stop: () => {
      running.kill('SIGTERM');
      return running.exit();
    },
  };
}

export type Started = Awaited<ReturnType<typeof start>>;

/** Clients that open a connection for each request. */
export class Knocking {
  answered = 0;
  readonly errors: string[] = [];
  readonly #clients: Promise<void>[];
  #stopped = false;

  constructor(port: number) {
    this.#clients = Array.from({ length: 4 }, () => this.#client(port));
  }

  async #client(port: number): Promise<void> {
    while (!this.#stopped) {
      try {
        await get({ port });
        this.answered += 1;
      } catch (error) {
        this.errors.push(String(error));
      }
    }
  }

  async stop(): Promise<void> {
    this.#stopped = true;
    await Promise.all(this.#clients);
  }
}
