/** Connections go where there is room: workers that have more leave them to those that have fewer, and to nobody for long. */
import { once } from 'node:events';
import { connect, type Socket } from 'node:net';
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
  for (const pid of pids) process.kill(pid, 'SIGSTOP');
  const sockets: Socket[] = [];
  for (let i = 0; i < 400; i++) sockets.push(await clients.connect());
  const answers = sockets.map((socket) => clients.ask(socket));
  for (const pid of pids) process.kill(pid, 'SIGCONT');
  expect(countsOf(await Promise.all(answers))).toEqual(Array(WORKERS).fill(100));
  expect((await managed.stop()).status).toBe(0);
});

test('A worker that joins takes them until it has as many as the others.', async () => {
  const managed = await new Managed('even.js', { workers: 2 }).started();
  const clients = new Clients(managed);
  const before = await clients.oneByOne(12);
  expect(countsOf(before)).toEqual([6, 6]);
  managed.signal('SIGTTIN');
  await managed.until('worker_added');
  await managed.until('known');
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
