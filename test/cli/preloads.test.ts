/**
 * What NODE_OPTIONS or Node's command line has Node load before the program belongs to the application: the manager runs nothing
 * of it, and every other process of the application is as without prefork.
 */
import { once } from 'node:events';
import { existsSync, readFileSync, renameSync } from 'node:fs';
import { type AddressInfo, createServer, type Socket } from 'node:net';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { setImmediate } from 'node:timers/promises';
import { describe, expect, onTestFinished, test } from 'vitest';
import { COMMAND, folderWith, program } from '../helpers/command';
import { freePort } from '../helpers/port';
import { type Served, type ServeOptions, serve } from '../helpers/served';
import { ROOT } from '../helpers/stdin';

const AUTO = join(ROOT, 'dist', 'auto.mjs');

const SERVER = `
  require('node:http').createServer((_, response) => response.end('pid ' + process.pid)).listen(0, '127.0.0.1');`;

/** As what collects traces does: connects at once, and stays connected. */
const CONNECTS = `
  const socket = require('node:net').connect(Number(process.env.COLLECTOR), '127.0.0.1');
  socket.on('connect', () => socket.write(process.pid + '\\n'));`;

/** Whom it hears of, as long as they are connected. */
class Collector {
  readonly #connected = new Map<Socket, number>();
  #port = 0;

  async listen(): Promise<void> {
    const server = createServer((socket) => {
      createInterface(socket).on('line', (pid) => this.#connected.set(socket, Number(pid)));
      socket.on('error', () => {}).on('close', () => this.#connected.delete(socket));
    }).listen(0, '127.0.0.1');
    await once(server, 'listening');
    onTestFinished(() => {
      server.close();
      for (const socket of this.#connected.keys()) socket.destroy();
    });
    this.#port = (server.address() as AddressInfo).port;
  }

  get port(): string {
    return String(this.#port);
  }

  get pids(): number[] {
    return [...this.#connected.values()].sort();
  }
}

/** Until each of the workers has a connection of its own, and nobody else has one. */
async function onlyWorkersConnect(served: Served, collector: Collector, count: number): Promise<void> {
  const expected = () => served.running.workers().sort();
  while (expected().length !== count || String(collector.pids) !== String(expected())) await setImmediate();
}

const WAYS: [name: string, args: string[], options: ServeOptions][] = [
  ['NODE_OPTIONS, --require', ['app.js', '-w', '2'], { env: { NODE_OPTIONS: '--require ./connects.js' } }],
  ['NODE_OPTIONS, -r', ['app.js', '-w', '2'], { env: { NODE_OPTIONS: '-r "./connects.js"' } }],
  ['NODE_OPTIONS, --import', ['app.js', '-w', '2'], { env: { NODE_OPTIONS: '--import=./connects.js' } }],
  ["Node's command line", ['app.js', '-w', '2'], { node: ['--require', './connects.js'] }],
  [
    'NODE_OPTIONS, before prefork/auto',
    ['app.js'],
    {
      command: false,
      node: ['--import', AUTO],
      env: { NODE_OPTIONS: '--import ./connects.js', PREFORK_WORKERS: '2' },
    },
  ],
];

describe.each(WAYS)('Connects as soon as it is loaded: %s.', (_, args, options) => {
  test('Each worker has a connection of its own, and the manager none.', async () => {
    const collector = new Collector();
    await collector.listen();
    const served = await serve(args, {
      ...options,
      files: { 'app.js': SERVER, 'connects.js': CONNECTS },
      env: { ...options.env, COLLECTOR: collector.port },
    });
    await onlyWorkersConnect(served, collector, 2);
    served.running.kill('SIGHUP');
    await served.until(/Every worker has been replaced/);
    await onlyWorkersConnect(served, collector, 2);
    served.running.kill('SIGUSR2');
    await served.until(/Every worker has been replaced/, 2);
    await onlyWorkersConnect(served, collector, 2);
    expect(await served.stop()).toBe('status 0');
  });
});

/** Tells what it finds, in the process itself, in a child and in a worker thread. */
const WORLD = `
  const { execFileSync } = require('node:child_process');
  const { Worker } = require('node:worker_threads');
  const world = '[process.env.NODE_OPTIONS, process.execArgv, globalThis.loaded]';
  const child = JSON.parse(execFileSync(process.execPath, ['-p', 'JSON.stringify(' + world + ')']));
  new Worker("require('node:worker_threads').parentPort.postMessage(" + world + ")", { eval: true })
    .on('message', (thread) => console.log(JSON.stringify([eval(world), child, thread])))
    .on('exit', () => { ${SERVER} });`;

const LOADED = {
  'app.js': WORLD,
  'a.js': "(globalThis.loaded ??= []).push('a', module.isPreloading)",
  'b.mjs': "(globalThis.loaded ??= []).push('b')",
  'c d.js': "(globalThis.loaded ??= []).push('c', module.isPreloading)",
};

test.each([
  ['--require ./a.js', []],
  ['--import ./b.mjs --max-old-space-size=500 -r "./c d.js" --require=./a.js', []],
  ['--no-warnings', ['--import', './b.mjs', '-r', './a.js']],
  [undefined, ['--require', './a.js']],
])('An application, its children and threads find it all as without prefork: %s, %j', async (given, node) => {
  const env: Record<string, string> = given === undefined ? {} : { NODE_OPTIONS: given };
  const alone = program(process.execPath, [...node, 'app.js'], { cwd: folderWith(LOADED), env, clean: true });
  const served = await serve(['app.js', '-w', '1'], { files: LOADED, node, env });
  const told = await served.running.line();
  const [own] = JSON.parse(told);
  expect(own[0]).toBe(given ?? null);
  expect(own[2]).toContain('a');
  expect(told).toBe(await alone.line());
});

/** A loader that reads CommonJS by itself, as loaders that compile or instrument it do: Node then requires this package anew. */
const LOADER = {
  'register.mjs': "import { register } from 'node:module'; register('./hooks.mjs', import.meta.url);",
  'hooks.mjs': `
    import { readFile } from 'node:fs/promises';
    export async function load(url, context, next) {
      const loaded = await next(url, context);
      if (loaded.format !== 'commonjs') return loaded;
      return { ...loaded, source: await readFile(new URL(url)) };
    }`,
};

test('With a loader that loads this package once more, too: log files are opened anew in every process.', async () => {
  const content = `
    const { createServer } = require('node:http');
    const { worker } = require(${JSON.stringify(ROOT)});
    createServer((_, response) => response.end(console.log('asked') ?? 'worker ' + worker().id)).listen(0);`;
  const served = await serve(['app.js', '-w', '2'], {
    files: { ...LOADER, 'app.js': content },
    env: { NODE_OPTIONS: '--import ./register.mjs' },
    under: ['sh', '-c', 'exec "$@" > out', 'sh'],
  });
  const { folder, running } = served;
  expect(await served.ask()).toMatch(/^worker [01]$/);
  renameSync(join(folder, 'out'), join(folder, 'out.1'));
  running.kill('SIGUSR1');
  await served.until(/opening log files anew|reopen/i);
  while (!existsSync(join(folder, 'out')) || !readFileSync(join(folder, 'out'), 'utf8')) await served.ask();
  running.kill('SIGHUP');
  await served.until(/Every worker has been replaced/);
  expect(await served.ask()).toMatch(/^worker [01]$/);
  expect(await served.stop()).toBe('status 0');
});

/** Lines that the preload has written, each a pid. */
const pidsIn = (file: string): number[] => readFileSync(file, 'utf8').trim().split('\n').map(Number);

const WRITES = "require('node:fs').appendFileSync('seen', process.pid + '\\n');";

test('What one does when it is loaded happens once in the process that starts over, and in each that loads the application.', async () => {
  const served = await serve(['app.js', '-w', '2'], {
    files: { 'app.js': SERVER, 'writes.js': WRITES },
    env: { NODE_OPTIONS: '--require ./writes.js' },
  });
  const { folder, running } = served;
  const [template] = running.children().filter((pid) => !running.workers().includes(pid));
  expect(pidsIn(join(folder, 'seen'))).toEqual([running.pid, template]);
});

test('With --preload no that is each worker; with a configuration its reader, and the attendant, too.', async () => {
  const config =
    "module.exports = { hooks: { workerReady: () => require('node:fs').writeSync(1, 'hook\\n') } };";
  const served = await serve(['app.js', '-w', '2', '--preload', 'no'], {
    files: { 'app.js': SERVER, 'writes.js': WRITES, 'prefork.config.js': config },
    env: { NODE_OPTIONS: '--require ./writes.js' },
  });
  const { folder, running } = served;
  await running.until(/hook\n/, 2);
  const seen = pidsIn(join(folder, 'seen'));
  expect(seen).toHaveLength(5);
  while (running.children().length !== 3) await setImmediate(); // the reader of the configuration ends
  const alive = running.children();
  expect(seen[0]).toBe(running.pid);
  expect(seen.filter((pid) => alive.includes(pid)).sort()).toEqual(alive.sort());
});

test('A port that one opens is free again for the process that loads the application.', async () => {
  const opens = `
    const opened = require('node:net').createServer().listen(Number(process.env.AGENT)).unref();
    require('node:fs').appendFileSync('seen', opened.listening + '\\n');`;
  const served = await serve(['app.js', '-w', '1', '--preload', 'no'], {
    files: { 'app.js': SERVER, 'opens.js': opens },
    env: { NODE_OPTIONS: '--require ./opens.js', AGENT: String(await freePort()) },
  });
  expect(readFileSync(join(served.folder, 'seen'), 'utf8')).toBe('true\ntrue\n');
});

/** A loader by which every CommonJS module knows which process its hooks run in. */
const HOOKS = `
  import { appendFileSync } from 'node:fs';
  import { readFile } from 'node:fs/promises';
  appendFileSync('seen', process.pid + '\\n');
  export async function load(url, context, next) {
    const loaded = await next(url, context);
    if (!url.endsWith('/app.js')) return loaded;
    const source = loaded.source ?? await readFile(new URL(url), 'utf8');
    return { ...loaded, source: 'globalThis.hooks = ' + process.pid + ';' + source };
  }`;

test.each(['--experimental-loader ./hooks.mjs', '--loader=./hooks.mjs'])(
  'The manager has none of the hooks of a loader; a new version has them anew: %s',
  async (options) => {
    const content = `
      const { createServer } = require('node:http');
      createServer((_, response) => response.end(String(globalThis.hooks))).listen(0, '127.0.0.1');`;
    const served = await serve(['app.js', '-w', '1'], {
      files: { 'app.js': content, 'hooks.mjs': HOOKS },
      env: { NODE_OPTIONS: options },
    });
    const { folder, running } = served;
    const templateOf = () => running.children().filter((pid) => !running.workers().includes(pid))[0];
    const first = templateOf();
    expect(await served.ask()).toBe(String(first));
    expect(pidsIn(join(folder, 'seen'))).toEqual([running.pid, first]);
    running.kill('SIGHUP');
    await served.until(/Every worker has been replaced/);
    const last = pidsIn(join(folder, 'seen')).at(-1);
    expect(last).not.toBe(first);
    // The old worker still answers what came while it served.
    while ((await served.ask()) !== String(last));
    expect(await served.stop()).toBe('status 0');
  },
);

test.each([undefined, '--max-old-space-size=500'])(
  'Without any, nothing is started over: %s',
  async (given) => {
    const env: Record<string, string> = given === undefined ? {} : { NODE_OPTIONS: given };
    const served = await serve(['app.js', '-w', '1'], { files: { 'app.js': SERVER }, env });
    expect(optionsOf(served.running.pid)).toBe(given);
  },
);

/** NODE_OPTIONS with which a process was started. */
function optionsOf(pid: number): string | undefined {
  const variables = readFileSync(`/proc/${pid}/environ`, 'utf8').split('\0');
  return variables.find((each) => each.startsWith('NODE_OPTIONS='))?.slice('NODE_OPTIONS='.length);
}

test('A socket that was handed over comes through.', async () => {
  const hander = `
    const [socket] = require(${JSON.stringify(ROOT)}).bindSockets(0, '127.0.0.1');
    const stdio = ['inherit', 'inherit', 'inherit', 'ignore', socket.fd];
    require('node:child_process').spawn(process.argv[1], process.argv.slice(2), { stdio });
    setInterval(() => {}, 1000);`;
  const served = await serve(['app.js', '-w', '2', '--bind', 'fd:4'], {
    files: { 'app.js': SERVER, 'a.js': '' },
    env: { NODE_OPTIONS: '--require ./a.js' },
    under: [process.execPath, '-e', hander],
  });
  expect(await served.ask()).toMatch(/^pid /);
});

test('The channel of a parent stays open as long as the manager lives.', async () => {
  const parent = `
    const { fork } = require('node:child_process');
    const child = fork(${JSON.stringify(COMMAND)}, ['app.js', '-w', '1'], { env: { ...process.env, NODE_OPTIONS: '-r ./a.js' } });
    child.on('disconnect', () => console.log('disconnected')).on('exit', (status) => console.log('status', status));
    process.on('SIGTERM', () => console.log(child.connected) || child.kill());`;
  const served = await serve(['-e', parent], { command: false, files: { 'app.js': SERVER, 'a.js': '' } });
  served.running.kill('SIGTERM');
  await served.running.result;
  expect(served.running.stdout).toMatch(/^true\n/);
  expect(served.running.stdout).toMatch(/status 0/);
});

test('What fails in it ends the start as alone; what fails in it only later is said.', async () => {
  const files = { 'app.js': SERVER, 'fails.js': "throw new Error('no such agent')" };
  const running = program(process.execPath, [COMMAND, 'app.js'], {
    cwd: folderWith(files),
    env: { NODE_OPTIONS: '--require ./fails.js' },
    clean: true,
  });
  const { status, stderr } = await running.result;
  expect(status).toBe(1);
  expect(stderr.match(/Error: no such agent/g)).toHaveLength(1);
});
