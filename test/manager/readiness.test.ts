/** A worker that takes another's place is ready when it listens wherever that one does, however late the application does. */
import { createSocket } from 'node:dgram';
import { once } from 'node:events';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, onTestFinished, test } from 'vitest';
import { eventually } from '../helpers/eventually';
import { get } from '../helpers/manager';
import { freePort } from '../helpers/port';
import { type Served, serve } from '../helpers/served';

/** A metrics server listens at once; the real one when its database is connected, or what `late` waits for. */
function application(version: number, [metrics, port]: Ports, late: string): string {
  return `
    const { createServer } = require('node:http');
    const { existsSync } = require('node:fs');
    createServer((_, response) => response.end('metrics')).listen(${metrics}, '127.0.0.1');
    const listens = () => createServer((_, response) => response.end('version ${version}')).listen(${port}, '127.0.0.1');
    ${late}`;
}
type Ports = [metrics: number, port: number];

const CONNECTS = 'setTimeout(listens, 300);';
const WAITS_FOR_FILE = `
  const timer = setInterval(() => {
    if (!existsSync('connected')) return;
    clearInterval(timer);
    listens();
  }, 5);`;
const NEVER_LISTENS = 'setInterval(() => {}, 1000);';

const ports = (): Ports => [freePort(), freePort()];

function start(source: string, options: string[] = []): Promise<Served> {
  const args = ['app.js', '-w', '2', '--log-format', 'json', ...options];
  return serve(args, { files: { 'app.js': source }, until: /"2 workers ready"/ });
}

const event = (name: string) => new RegExp(`"event":"${name}"`);

/** HUP, once this is the application. */
function change({ folder, running }: Served, source: string): void {
  writeFileSync(join(folder, 'app.js'), source);
  running.kill('SIGHUP');
}

/** Answers, or why there was none. */
const ask = (port: number) => get({ port }).catch((error) => String(error.code));
const listens = (port: number) => eventually(async () => (await ask(port)) !== 'ECONNREFUSED');

/** Clients that open a connection for each request, and take a refusal for a loss. */
class Knocking {
  readonly answers = new Map<string, number>();
  readonly #clients: Promise<void>[];
  #isOver = false;

  constructor(port: number) {
    this.#clients = Array.from({ length: 4 }, () => this.#client(port));
  }

  async #client(port: number): Promise<void> {
    while (!this.#isOver) {
      const answer = await ask(port);
      this.answers.set(answer, (this.answers.get(answer) ?? 0) + 1);
    }
  }

  async stop(): Promise<void> {
    this.#isOver = true;
    await Promise.all(this.#clients);
  }
}

describe.each(['auto', 'no'])('--preload %s', (preload) => {
  test('During reloads no client of an address that the application serves late is refused.', async () => {
    const both = ports();
    const served = await start(application(1, both, CONNECTS), ['--preload', preload]);
    await listens(both[1]);
    const clients = new Knocking(both[1]);
    for (let version = 2; version <= 4; version++) {
      change(served, application(version, both, CONNECTS));
      await served.until(event('replaced_all'), version - 1);
      expect(await ask(both[1])).toMatch(/^version /);
    }
    await eventually(() => served.running.workers().length === 2);
    expect(await ask(both[1])).toBe('version 4');
    await clients.stop();
    const wrong = [...clients.answers.keys()].filter((answer) => !/^version [1-4]$/.test(answer));
    expect(wrong).toEqual([]);
    expect(await served.stop()).toBe('status 0');
  });

  test('The worker that serves there ends when the other one has come so far, and not before.', async () => {
    const both = ports();
    const served = await start(application(1, both, 'listens();'), ['--preload', preload]);
    const before = served.running.workers();
    change(served, application(2, both, WAITS_FOR_FILE));
    await served.until(event('address_awaited'));
    expect(served.log).toContain(`also listens on 127.0.0.1:${both[1]}: waiting for that`);
    expect(served.running.workers()).toEqual(expect.arrayContaining(before));
    expect(await ask(both[1])).toBe('version 1');
    writeFileSync(join(served.folder, 'connected'), '');
    await served.until(event('replaced_all'));
    await eventually(() => before.every((pid) => !served.running.workers().includes(pid)));
    expect(await ask(both[1])).toBe('version 2');
    expect(served.log).not.toMatch(/address_given_up|listening_ended/);
    expect(await served.stop()).toBe('status 0');
  });
});

test('An address that the new version never serves is given up with the boot timeout, once for all workers.', async () => {
  const both = ports();
  // It counts for the workers of the first version, too, which are not to be late.
  const served = await start(application(1, both, CONNECTS), ['--boot-timeout', '3s']);
  await listens(both[1]);
  change(served, application(2, both, NEVER_LISTENS));
  await served.until(event('replaced_all'));
  expect(served.log.match(/"event":"address_given_up"/g)).toHaveLength(1);
  expect(served.log).toContain(`serves without 127.0.0.1:${both[1]}`);
  await served.until(/No longer listening on/);
  await eventually(async () => (await ask(both[1])) === 'ECONNREFUSED');
  expect(await ask(both[0])).toBe('metrics');
  expect(await served.stop()).toBe('status 0');
});

test('One that a new configuration does not give any more is not waited for.', async () => {
  const [one, other] = ports();
  const app = "require('node:http').createServer((_, response) => response.end('here')).listen(1);";
  const config = (port: number) => JSON.stringify({ bind: [`127.0.0.1:${port}`] });
  const served = await serve(['app.js', '-w', '2', '--log-format', 'json'], {
    files: { 'app.js': `${app} ${NEVER_LISTENS}`, 'prefork.config.json': config(one) },
    until: /"2 workers ready"/,
  });
  expect(await ask(one)).toBe('here');
  writeFileSync(join(served.folder, 'prefork.config.json'), config(other));
  served.running.kill('SIGHUP');
  await served.until(event('replaced_all'));
  expect(await ask(other)).toBe('here');
  await eventually(async () => (await ask(one)) === 'ECONNREFUSED');
  expect(served.log).not.toMatch(/address_awaited/);
  expect(await served.stop()).toBe('status 0');
});

test('A worker that is killed is replaced by one that serves what it has: nobody waits for the rest.', async () => {
  const both = ports();
  const served = await start(application(1, both, WAITS_FOR_FILE));
  writeFileSync(join(served.folder, 'connected'), '');
  await listens(both[1]);
  const [worker = 0] = served.running.workers();
  served.running.kill('SIGKILL', worker);
  await served.until(event('worker_killed'));
  await eventually(() => served.running.workers().length === 2);
  expect(await ask(both[1])).toBe('version 1');
  expect(served.log).not.toMatch(/address_awaited/);
  expect(await served.stop()).toBe('status 0');
});

test('The length of its queue makes no other address of it.', async () => {
  const port = freePort();
  const app = (version: number, backlog: string) => `
    require('node:http').createServer((_, response) => response.end('version ${version}'))
      .listen({ port: ${port}, host: '127.0.0.1' ${backlog} });`;
  const served = await start(app(1, ''));
  change(served, app(2, ', backlog: 7'));
  await served.until(event('replaced_all'));
  await eventually(async () => (await ask(port)) === 'version 2');
  expect(await served.stop()).toBe('status 0');
});

test('A socket of UDP is waited for, too, so that each datagram is answered.', async () => {
  const [metrics, port] = ports();
  const app = (version: number) => `
    require('node:http').createServer((_, response) => response.end('metrics')).listen(${metrics}, '127.0.0.1');
    const socket = require('node:dgram').createSocket('udp4');
    socket.on('message', (text, { port, address }) => socket.send(\`\${text} of version ${version}\`, port, address));
    setTimeout(() => socket.bind(${port}, '127.0.0.1'), 300);`;
  const served = await start(app(1));
  const client = createSocket('udp4');
  onTestFinished(() => void client.close());
  client.connect(port, '127.0.0.1');
  await once(client, 'connect');
  const refusals: string[] = [];
  client.on('error', ({ message }) => refusals.push(message));
  const exchange = (text: string) =>
    new Promise<void>((resolve) => {
      const look = (answer: Buffer) => {
        if (!String(answer).startsWith(`${text} of `)) return;
        client.off('message', look);
        resolve();
      };
      client.on('message', look);
      client.send(text);
    });
  /** Again and again: as long as nobody has the address, datagrams are lost. */
  const isBound = async () => {
    const answer = exchange('hello');
    const again = setInterval(() => client.send('hello'), 50);
    await answer;
    clearInterval(again);
  };
  await isBound();
  refusals.length = 0;
  let isOver = false;
  let asked = 0;
  const asking = (async () => {
    for (; !isOver; asked++) await exchange(String(asked));
  })();
  for (let version = 2; version <= 3; version++) {
    change(served, app(version));
    await served.until(event('replaced_all'), version - 1);
  }
  await eventually(() => asked > 100);
  isOver = true;
  await asking;
  expect(refusals).toEqual([]);
  expect(await served.stop()).toBe('status 0');
});
