/** Connections go where there is room: workers that have more leave them to those that have fewer, and to nobody for long. */
import { execFileSync } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, writeFileSync } from 'node:fs';
import { connect, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, onTestFinished, test } from 'vitest';
import { Managed } from '../../helpers/manager';

const WORKERS = 4;

class Clients {
  readonly #sockets: Socket[] = [];
  readonly #port: number;

  constructor({ port }: Managed) {
    this.#port = port;
    onTestFinished(() => {
      for (const socket of this.#sockets) socket.destroy();
    });
  }

  async connect(): Promise<Socket> {
    const socket = connect(this.#port, '127.0.0.1');
    this.#sockets.push(socket);
    await once(socket, 'connect');
    return socket;
  }

  /** Each on a connection that it keeps: the pid that answers. */
  async ask(socket: Socket): Promise<number> {
    socket.write('GET / HTTP/1.1\r\nHost: x\r\n\r\n');
    const [answer] = (await once(socket, 'data')) as [Buffer];
    return Number(answer.toString('latin1').split('\r\n\r\n')[1]);
  }

  async oneByOne(count: number): Promise<number[]> {
    const pids: number[] = [];
    for (let i = 0; i < count; i++) pids.push(await this.ask(await this.connect()));
    return pids;
  }
}

function countsOf(pids: readonly number[]): number[] {
  return [...new Set(pids)].map((pid) => pids.filter((each) => each === pid).length);
}

function firstOf(answers: Promise<number>[], count: number): Promise<number[]> {
  const first: number[] = [];
  return new Promise((resolve, reject) => {
    for (const answer of answers) {
      answer.then((pid) => first.push(pid) === count && resolve(first.slice()), reject);
    }
  });
}

test('One by one, each connection goes to a worker that has fewest.', async () => {
  const managed = await new Managed('even.js', { workers: WORKERS }).started();
  const clients = new Clients(managed);
  expect(countsOf(await clients.oneByOne(WORKERS))).toEqual(Array(WORKERS).fill(1));
  expect(countsOf(await clients.oneByOne(60))).toEqual(Array(WORKERS).fill(15));
  expect((await managed.stop()).status).toBe(0);
});

test('Of connections that all wait already each worker takes its share, whichever is awake first.', async () => {
  const managed = await new Managed('even.js', { workers: WORKERS }).started();
  const pids = managed.program.workers();
  expect(pids).toHaveLength(WORKERS);
  const clients = new Clients(managed);
  // The first ones wake a loop that has never been woken for its server.
  for (const share of [1, 99]) {
    for (const pid of pids) process.kill(pid, 'SIGSTOP');
    const sockets: Socket[] = [];
    for (let i = 0; i < WORKERS * share; i++) sockets.push(await clients.connect());
    const answers = sockets.map((socket) => clients.ask(socket));
    for (const pid of pids) process.kill(pid, 'SIGCONT');
    expect(countsOf(await Promise.all(answers))).toEqual(Array(WORKERS).fill(share));
  }
  expect((await managed.stop()).status).toBe(0);
});

test('Those that come before all workers listen are divided among all that begin together.', async () => {
  const gate = join(mkdtempSync(join(tmpdir(), 'gate-')), 'gate');
  execFileSync('mkfifo', [gate]);
  const env = { GATE: gate, HELD_UP: String(WORKERS) };
  const managed = new Managed('even.js', { workers: WORKERS }, { env });
  for (let i = 0; i < WORKERS; i++) await managed.until('worker_started');
  if (managed.port === 0) await managed.until('serving');
  const clients = new Clients(managed);
  const answers = Array.from({ length: 16 }, async () => clients.ask(await clients.connect()));
  expect(countsOf(await firstOf(answers, 12))).toEqual(Array(WORKERS - 1).fill(4));
  writeFileSync(gate, '');
  expect(countsOf(await Promise.all(answers))).toEqual(Array(WORKERS).fill(4));
  expect((await managed.stop()).status).toBe(0);
});

test('A worker that joins takes them until it has as many as the others.', async () => {
  const managed = await new Managed('even.js', { workers: 2 }).started();
  const clients = new Clients(managed);
  const before = await clients.oneByOne(12);
  expect(countsOf(before)).toEqual([6, 6]);
  managed.signal('SIGTTIN');
  await managed.until('known', ({ worker }) => worker === 2);
  const later = await clients.oneByOne(6);
  expect(countsOf(later)).toEqual([6]);
  expect(before).not.toContain(later[0]);
  expect(countsOf([...before, ...later, ...(await clients.oneByOne(3))])).toEqual([7, 7, 7]);
  expect((await managed.stop()).status).toBe(0);
});

test('A worker that has fewest and is stopped keeps no client waiting.', async () => {
  const managed = await new Managed('server.js', { workers: 2 }).started();
  const clients = new Clients(managed);
  const stopped = await clients.ask(await clients.connect());
  process.kill(stopped, 'SIGSTOP');
  const others = await clients.oneByOne(20);
  expect(others).not.toContain(stopped);
  expect(countsOf(others)).toEqual([20]);
  process.kill(stopped, 'SIGCONT');
  expect((await managed.stop()).status).toBe(0);
});
