/** SIGUSR2: another Node and another prefork take the manager's process over, or it goes on; no request and no signal is lost. */
import { createSocket } from 'node:dgram';
import { once } from 'node:events';
import {
  cpSync,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { describe, expect, onTestFailed, onTestFinished, test } from 'vitest';
import { folderWith, prefork, program } from '../helpers/command';
import { get, Load } from '../helpers/manager';
import { freePort } from '../helpers/port';
import { ROOT } from '../helpers/stdin';

const NODES = join(ROOT, '.node-versions');

/** An application that answers with its version, and Node's. */
function version(number: number, port: number | string): string {
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

interface Options {
  args?: string[];
  env?: Record<string, string>;
  under?: string[];
  auto?: boolean;
  /** Successors may be kept where they start: in what Node loads first, because it has to load something else, too. */
  slow?: boolean;
}

/** A link is swapped, as when a release becomes the current one. */
function lead(link: string, target: string): void {
  symlinkSync(target, `${link}.new`);
  renameSync(`${link}.new`, link);
}

/** A `prefork` that is started by links: to Node, and to the package. */
async function start({ args = [], env = {}, under = [], auto = false, slow = false }: Options = {}) {
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
  const heard = (event: string) =>
    [...running.stderr.matchAll(/^\{.*\}$/gm)]
      .map(([line]) => JSON.parse(line))
      .filter((entry) => entry.event === event)
      .map((entry): string => entry.message);
  return {
    port,
    folder,
    running,
    node,
    ours,
    heard,
    until: async (event: string, times = 1) => {
      await running.until(new RegExp(`"event":"${event}"`), times);
      return heard(event)[times - 1] ?? '';
    },
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

async function eventually(holds: () => boolean | Promise<boolean>): Promise<void> {
  while (!(await holds())) await new Promise((resolve) => setTimeout(resolve, 10));
}

/** Clients that open a connection for each request. */
class Knocking {
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

function startTimeOf(pid: number): string {
  return readFileSync(`/proc/${pid}/stat`, 'latin1').split(') ').at(-1)?.split(' ')[19] ?? '';
}

test('New code under the same pid, again and again: nothing is lost under load, and nothing accumulates.', async () => {
  const { port, folder, running, until, change, ask, stop } = await start({
    args: ['--pid-file', 'shop.pid'],
  });
  const loads = [new Load(port), new Knocking(port)];
  const started = startTimeOf(running.pid);
  const descriptors: number[] = [];
  for (let number = 2; number <= 5; number++) {
    change(number);
    running.kill('SIGUSR2');
    await until('replaced_all', number - 1);
    await eventually(() => running.children().length === 3); // two workers and a template: the old ones have gone
    expect(await ask()).toBe(`version ${number} on ${process.version}`);
    await running.asleep(); // it closes what was for talking to them when it has reaped them
    descriptors.push(readdirSync(`/proc/${running.pid}/fd`).length);
  }
  for (const load of loads) await load.stop();
  for (const load of loads) {
    expect(load.errors).toEqual([]);
    expect(load.answered).toBeGreaterThan(50);
  }
  expect(new Set(descriptors).size).toBe(1);
  expect(startTimeOf(running.pid)).toBe(started);
  expect(readFileSync(join(folder, 'shop.pid'), 'latin1')).toBe(`${running.pid}\n`);
  // The successor holds its lock, and serves `prefork reload`.
  const second = await prefork(folder, ['app.js', '--bind', '127.0.0.1:0', '--pid-file', 'shop.pid']).result;
  expect(second.stderr).toContain(`belongs to process ${running.pid}, which is running`);
  expect((await prefork(folder, ['reload', 'shop.pid']).result).status).toBe(0);
  expect(await stop()).toBe('status 0');
  expect(existsSync(join(folder, 'shop.pid'))).toBe(false);
});

const OTHERS = (existsSync(NODES) ? readdirSync(NODES) : []).filter(
  (name) => /^\d/.test(name) && `v${name}` !== process.version,
);

test.skipIf(OTHERS.length === 0)('Another Node, by a link that leads elsewhere by then.', async () => {
  const { node, running, until, ask, stop } = await start();
  for (const [index, name] of OTHERS.entries()) {
    lead(node, join(NODES, name, 'package', 'bin', 'node'));
    running.kill('SIGUSR2');
    expect(await until('succession_finished', index + 1)).toContain(`Node.js v${name} with prefork`);
    await until('replaced_all', index + 1);
    await eventually(async () => (await ask()) === `version 1 on v${name}`);
  }
  expect(await stop()).toBe('status 0');
});

/** This package, with a change. */
function packageWith(folder: string, file: string, change: (text: string) => string): string {
  const copy = join(folder, 'copy');
  for (const name of ['dist', 'package.json', 'build/Release/prefork.node'])
    cpSync(join(ROOT, name), join(copy, name), { recursive: true });
  symlinkSync(join(ROOT, 'node_modules'), join(copy, 'node_modules'));
  const changed = join(copy, file);
  writeFileSync(changed, change(readFileSync(changed, 'utf8')));
  return copy;
}

describe('What cannot start leaves the manager in service, and the log says why:', () => {
  type Started = Awaited<ReturnType<typeof start>>;
  const script = (folder: string, name: string, text: string) => {
    writeFileSync(join(folder, name), text, { mode: 0o755 });
    return join(folder, name);
  };

  test.each<[string, (started: Started) => void, RegExp]>([
    ['no Node', ({ node, folder }) => lead(node, join(folder, 'none')), /execve ENOENT .*\/node/],
    ['no program', ({ node, folder }) => lead(node, join(folder, 'app.js')), /execve EACCES/],
    ['another program', ({ node }) => lead(node, '/bin/true'), /its trial exited with status 127/],
    [
      'a Node that fails',
      ({ node, folder }) => lead(node, script(folder, 'fails', '#!/bin/sh\nexit 3\n')),
      /its trial exited with status/,
    ],
    ['no prefork', ({ ours, folder }) => lead(ours, join(folder, 'none')), /its trial exited with status 1/],
    [
      'a prefork that does not parse',
      ({ ours, folder }) =>
        lead(
          ours,
          packageWith(folder, 'dist/cli/main.js', () => 'this is no JavaScript'),
        ),
      /its trial exited with status 1/,
    ],
    [
      'an addon that does not load',
      ({ ours, folder }) =>
        lead(
          ours,
          packageWith(folder, 'build/Release/prefork.node', () => 'no ELF'),
        ),
      /its trial exited with status 2/,
    ],
    [
      'a prefork that hands over in another form',
      ({ ours, folder }) =>
        lead(
          ours,
          packageWith(folder, 'dist/manager/manager/handover.js', (text) =>
            text.replace(/exports\.HANDOVER_VERSION = \d+/, 'exports.HANDOVER_VERSION = 999'),
          ),
        ),
      /takes over from managers that hand over in form 999, not \d+: restart the service instead/,
    ],
    [
      'a wrong configuration',
      ({ folder }) => writeFileSync(join(folder, 'prefork.config.json'), '{ "workers": "many" }'),
      /for workers in prefork\.config\.json but received 'many'/,
    ],
    ['no application', ({ folder }) => rmSync(join(folder, 'app.js')), /Cannot find the application app\.js/],
  ])('%s.', async (_, spoil, why) => {
    const started = await start();
    const { port, running, ours, node, heard, until, change, ask, stop } = started;
    const before = running.children();
    const load = new Load(port);
    spoil(started);
    running.kill('SIGUSR2');
    expect(await until('succession_refused')).toMatch(why);
    expect(running.children()).toEqual(before);
    expect(await ask()).toMatch(/^version 1 /);
    // Mended, it takes over.
    lead(node, process.execPath);
    lead(ours, ROOT);
    rmSync(join(started.folder, 'prefork.config.json'), { force: true });
    change(2);
    running.kill('SIGUSR2');
    await until('replaced_all');
    await eventually(async () => /^version 2 /.test(await ask()));
    await load.stop();
    expect(load.errors).toEqual([]);
    expect(heard('worker_crashed')).toEqual([]);
    expect(await stop()).toBe('status 0');
  });

  test('code that does not load: the new manager goes on with the old workers.', async () => {
    const { port, folder, running, until, change, ask, stop } = await start();
    const before = running.workers();
    const load = new Load(port);
    writeFileSync(join(folder, 'app.js'), 'this is no JavaScript');
    running.kill('SIGUSR2');
    await until('succession_finished');
    expect(await until('replacement_refused')).toMatch(/Generation 0 serves on/);
    expect(running.workers()).toEqual(before);
    // The old template still forks, and what it loaded is what they run.
    running.kill('SIGKILL', before[0]);
    await until('worker_killed');
    await eventually(() => running.workers().length === 2);
    expect(await ask()).toMatch(/^version 1 /);
    change(2);
    running.kill('SIGHUP');
    await until('replaced_all');
    await load.stop();
    expect(load.errors.filter((error) => error !== 'ECONNRESET')).toEqual([]); // of the worker that was killed
    expect(await stop()).toBe('status 0');
  });
});

describe('In the instant in which the successor starts, before a line of it has run,', () => {
  async function startSlowly(options: Options = {}) {
    const started = await start({ ...options, slow: true });
    started.slowly();
    started.change(2);
    started.running.kill('SIGUSR2');
    await started.running.until(/starting\n/);
    return started;
  }

  test('requests are answered, and a worker that is killed is replaced as soon as it runs.', async () => {
    const { running, heard, until, goOn, ask, stop } = await startSlowly();
    expect(await ask()).toMatch(/^version 1 /);
    const [worker = 0] = running.workers();
    running.kill('SIGKILL', worker);
    goOn();
    expect(await until('worker_killed')).toContain(`(pid ${worker}) was killed by SIGKILL, from outside`);
    await until('replaced_all');
    await eventually(() => running.children().length === 3);
    expect(await ask()).toMatch(/^version 2 /);
    expect(heard('worker_crashed')).toEqual([]);
    expect(await stop()).toBe('status 0');
  });

  test.each(['SIGTERM', 'SIGINT'] as const)(
    '%s ends it as ever, once requests are answered.',
    async (signal) => {
      const { running, heard, until, goOn } = await startSlowly();
      running.kill(signal);
      goOn();
      expect(await until('shutdown_started')).toMatch(new RegExp(`^${signal}: ending once all requests`));
      expect(await running.exit()).toBe('status 0');
      expect(heard('shutdown_finished')).toHaveLength(1);
    },
  );

  test('SIGQUIT ends it at once.', async () => {
    const { running, goOn } = await startSlowly();
    running.kill('SIGQUIT');
    goOn();
    expect(await running.exit()).toBe('status 0');
  });

  test('SIGHUP, SIGTTIN and SIGUSR1 wait for it, and SIGUSR1 opens no inspector.', async () => {
    const { running, until, goOn, stop } = await startSlowly();
    for (const signal of ['SIGUSR1', 'SIGTTIN', 'SIGHUP'] as const) running.kill(signal);
    goOn();
    await until('logs_reopened');
    expect(await until('worker_added')).toBe('SIGTTIN: 3 workers');
    await until('replaced_all');
    await eventually(() => running.children().length === 4);
    expect(running.stderr).not.toMatch(/Debugger listening/);
    expect(await stop()).toBe('status 0');
  });

  test('a second SIGUSR2 is another succession.', async () => {
    const { running, folder, until, goOn, ask, stop } = await startSlowly();
    rmSync(join(folder, 'slow'));
    running.kill('SIGUSR2');
    goOn();
    await until('succession_finished', 2);
    await until('replaced_all');
    await eventually(() => running.children().length === 3);
    expect(await ask()).toMatch(/^version 2 /);
    expect(await stop()).toBe('status 0');
  });
});

test.each(['SIGTERM', 'SIGHUP', 'SIGUSR2'] as const)('%s right after SIGUSR2.', async (signal) => {
  const { port, running, until, change, ask, stop } = await start();
  const load = new Load(port);
  change(2);
  running.kill('SIGUSR2');
  running.kill(signal);
  if (signal === 'SIGTERM') {
    expect(await running.exit()).toBe('status 0');
    await load.refused();
  } else {
    await until('succession_finished');
    await until('replaced_all');
    await eventually(async () => /^version 2 /.test(await ask()));
    await load.stop();
    expect(load.errors).toEqual([]);
    expect(await stop()).toBe('status 0');
  }
});

test('SIGUSR2 while the application is loaded for the first time is refused.', async () => {
  const folder = folderWith({ 'app.js': "console.log('loading'); setInterval(() => {}, 1000)" });
  const running = prefork(folder, ['app.js']);
  await running.until(/loading/);
  running.kill('SIGUSR2');
  await running.until(/does not take over: the application has not been loaded yet. This one goes on/);
  running.kill('SIGTERM');
  expect((await running.result).status).toBe(0);
});

test('As process 1 of a container.', async () => {
  const under = ['unshare', '--pid', '--fork', '--kill-child', '--mount-proc'];
  const { port, running, until, change, ask } = await start({ under });
  const [manager = 0] = running.children();
  const load = new Load(port);
  change(2);
  process.kill(manager, 'SIGUSR2');
  await until('replaced_all');
  await eventually(async () => /^version 2 /.test(await ask()));
  await load.stop();
  expect(load.errors).toEqual([]);
  expect(running.children()).toEqual([manager]);
  process.kill(manager, 'SIGTERM');
  expect(await running.exit()).toBe('status 0');
});

test('A successor that is killed takes the workers of its predecessor with it.', async () => {
  const { running, slowly } = await start({ slow: true });
  slowly();
  running.kill('SIGUSR2');
  await running.until(/starting\n/);
  running.kill('SIGKILL');
  expect(await running.exit()).toBe('SIGKILL');
  await running.gone();
});

test('As a preload.', async () => {
  const { running, change, ask, stop } = await start({ auto: true, env: { PREFORK_WORKERS: '2' } });
  change(2);
  running.kill('SIGUSR2');
  await running.until(/Every worker has been replaced/);
  await eventually(() => running.children().length === 3);
  expect(await ask()).toBe(`version 2 on ${process.version}`);
  expect(await stop()).toBe('status 0');
});

test('With a queue for each worker, and the turns that they take.', async () => {
  const { port, running, until, change, stop } = await start({ args: ['--balanced'] });
  const loads = [new Load(port), new Knocking(port)];
  change(2);
  running.kill('SIGUSR2');
  await until('replaced_all');
  running.kill('SIGTTIN');
  await until('worker_added');
  await eventually(() => running.workers().length === 3);
  for (const load of loads) await load.stop();
  for (const load of loads) expect(load.errors).toEqual([]);
  expect(await stop()).toBe('status 0');
});

test('A Unix socket stays the same file, which the successor removes at its end.', async () => {
  const { folder, running, until, change, stop } = await start({ args: ['--bind', 'unix:shop.sock'] });
  const ask = () => get({ socketPath: join(folder, 'shop.sock') });
  change(2);
  running.kill('SIGUSR2');
  await until('replaced_all');
  await eventually(async () => /^version 2 /.test(await ask()));
  expect(await stop()).toBe('status 0');
  expect(existsSync(join(folder, 'shop.sock'))).toBe(false);
});

test('A socket of UDP stays the same, so that every datagram is answered.', async () => {
  const { folder, port, running, until, stop } = await start();
  const udp = (number: number) => `${version(number, port)}
    const socket = require('node:dgram').createSocket('udp4').bind(${port}, '127.0.0.1');
    socket.on('message', (text, { port, address }) => socket.send(text + ' of ${number}', port, address));`;
  const deploy = async (number: number, signal: NodeJS.Signals) => {
    writeFileSync(join(folder, 'app.js'), udp(number));
    running.kill(signal);
    await until('replaced_all', number - 1);
    await eventually(() => running.children().length === 3);
  };
  await deploy(2, 'SIGHUP');
  const client = createSocket('udp4');
  onTestFinished(() => void client.close());
  const failures: string[] = [];
  client.on('error', ({ message }) => failures.push(message));
  client.connect(port, '127.0.0.1');
  await once(client, 'connect');
  let asked = 0;
  let isOver = false;
  const exchange = async () => {
    client.send(`datagram ${++asked}`);
    const answer = String((await once(client, 'message'))[0]);
    if (!answer.startsWith(`datagram ${asked} of`)) failures.push(answer);
    return answer;
  };
  const asking = (async () => {
    while (!isOver) await exchange();
  })();
  await deploy(3, 'SIGUSR2');
  await deploy(4, 'SIGUSR2');
  await eventually(() => asked > 100);
  isOver = true;
  await asking;
  // The one before may have been answered while there was an old worker.
  expect(await exchange()).toMatch(/ of 4$/);
  expect(failures).toEqual([]);
  expect(await stop()).toBe('status 0');
});

test('A log that was renamed meanwhile is reopened by its name.', async () => {
  const folder = folderWith({ 'app.js': version(1, 0) });
  const running = program(
    'sh',
    ['-c', 'exec "$@" 2> log', 'sh', process.execPath, join(ROOT, 'dist/cli/main.js'), 'app.js'],
    {
      cwd: folder,
    },
  );
  const log = (name = 'log') =>
    existsSync(join(folder, name)) ? readFileSync(join(folder, name), 'utf8') : '';
  await eventually(() => /workers? ready/.test(log()));
  renameSync(join(folder, 'log'), join(folder, 'old'));
  running.kill('SIGUSR2');
  await eventually(() => /Every worker has been replaced/.test(log('old')));
  running.kill('SIGUSR1');
  await eventually(() => existsSync(join(folder, 'log')));
  running.kill('SIGTERM');
  expect((await running.result).status).toBe(0);
  expect(log()).toMatch(/All workers have ended/);
});

test('LD_PRELOAD and the environment are as before, in workers too.', async () => {
  const { running, folder, port, until, stop } = await start({ env: { MINE: '' } });
  const source = `
    const names = ['LD_PRELOAD', 'PREFORK_SUCCESSION', 'MINE'];
    require('node:http').createServer((_, response) => {
      response.end(JSON.stringify(names.map((name) => process.env[name] ?? null)));
    }).listen(${port}, '127.0.0.1');`;
  mkdirSync(join(folder, 'x'));
  writeFileSync(join(folder, 'app.js'), source);
  running.kill('SIGUSR2');
  await until('replaced_all');
  await eventually(() => running.children().length === 3);
  expect(await get({ port })).toBe('[null,null,""]');
  expect(await stop()).toBe('status 0');
});
