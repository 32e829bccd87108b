/** Whatever an operator does, a client whose connection was under way is answered, and one that waits is not cut off. */
import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { Agent } from 'node:http';
import { connect, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { setTimeout } from 'node:timers/promises';
import { expect, onTestFinished, test } from 'vitest';
import { get, Managed } from '../helpers/manager';

/** What can show only by its absence has this long to show. */
const SOME_TIME = 500;

/** lib/manager/worker/traffic.ts: when the whole server ends, connections without a request are closed after this. */
const LINGER = 1000;

/** Clients that are connected; with DEFER_ACCEPT they are about to be, for the server's kernel. */
function connected(port: number, count: number): Promise<Socket[]> {
  const client = async () => {
    const socket = connect(port, '127.0.0.1');
    onTestFinished(() => void socket.destroy());
    await once(socket, 'connect');
    return socket;
  };
  return Promise.all(Array.from({ length: count }, client));
}

async function answer(socket: Socket): Promise<string> {
  socket.write('GET / HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n');
  return text(socket).catch((error) => String(error.code));
}

async function statusLine(socket: Socket): Promise<string | undefined> {
  return (await answer(socket)).split('\r\n')[0];
}

test('A connection whose handshake is under way at SIGTERM is answered.', async () => {
  const env = { DEFER_ACCEPT: '1' };
  const managed = await new Managed('server.js', { workers: 2 }, { env }).started();
  const [client] = await connected(managed.port, 1);
  managed.signal('SIGTERM');
  await managed.until('shutdown_started');
  await setTimeout(SOME_TIME);
  expect(await statusLine(client as Socket)).toBe('HTTP/1.1 200 OK');
  expect((await managed.end()).status).toBe(0);
});

test('And so are those to the queue of a worker that SIGTTOU removes.', async () => {
  const env = { DEFER_ACCEPT: '1' };
  const managed = await new Managed('server.js', { workers: 2, balanced: true }, { env }).started();
  const COUNT = 20; // that all are in the other queue has the probability of 1 in 10^6
  const clients = await connected(managed.port, COUNT);
  managed.signal('SIGTTOU');
  await managed.until('worker_removed');
  await setTimeout(SOME_TIME);
  expect(await Promise.all(clients.map(statusLine))).toEqual(Array(COUNT).fill('HTTP/1.1 200 OK'));
  expect((await managed.stop()).status).toBe(0);
});

test('SIGTERM ends a server on a Unix socket, however many go on to connect, and loses none of them.', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'prefork-connections-'));
  onTestFinished(() => rmSync(folder, { recursive: true, force: true }));
  const socketPath = join(folder, 'socket');
  const settings = { workers: 2, bind: [{ kind: 'unix' as const, path: socketPath }] };
  const managed = await new Managed('server.js', settings).started();
  let answered = 0;
  const client = async (): Promise<string> => {
    for (;;) {
      try {
        await get({ socketPath });
        answered += 1;
      } catch (error) {
        return (error as NodeJS.ErrnoException).code ?? String(error);
      }
    }
  };
  const clients = Array.from({ length: 8 }, client);
  while (answered < 100) await new Promise((resolve) => setImmediate(resolve));
  managed.signal('SIGTERM');
  // There is no such socket any more, which is how a client learns that nobody serves it.
  expect(new Set(await Promise.all(clients))).toEqual(new Set(['ENOENT']));
  const { status, entries } = await managed.end();
  expect(status).toBe(0);
  expect(entries.map(({ event }) => event)).not.toContain('worker_stop_timed_out');
});

test('A worker that is replaced closes no connection that waits; when all of it ends nobody waits for those.', async () => {
  const env = { KEEP_ALIVE: '120000' };
  const settings = { workers: 1, gracefulTimeout: 120_000 };
  const managed = await new Managed('server.js', settings, { env }).started();
  const agent = new Agent({ keepAlive: true });
  onTestFinished(() => agent.destroy());
  const used = { port: managed.port, agent };
  const pid = await get(used);
  const fresh = connect(managed.port, '127.0.0.1');
  const idle = connect(managed.port, '127.0.0.1');
  onTestFinished(() => void idle.destroy());
  await Promise.all([once(fresh, 'connect'), once(idle, 'connect')]);
  await get({ port: managed.port }); // when it is answered, those before it in the queue have been accepted

  managed.signal('SIGHUP');
  await managed.until('replaced_all');
  await setTimeout(LINGER + SOME_TIME);
  expect(await get(used)).toBe(pid);
  expect(await answer(fresh)).toMatch(new RegExp(`^HTTP/1.1 200 OK\r\n(.|\r\n)*\r\n${pid}$`));
  expect(await get(used)).not.toBe(pid); // the answer before said that it would be the last

  const { status, entries } = await managed.stop();
  expect(status).toBe(0);
  expect(entries.map(({ event }) => event)).not.toContain('worker_stop_timed_out');
});

test('SIGTTOU while the worker is dead: what waits in its queue is answered by one that is started for that.', async () => {
  const settings = { workers: 2, balanced: true, restart: { burst: 0, minDelay: 1000 } };
  const managed = await new Managed('server.js', settings).started();
  const pidOf = async (id: number) => {
    const rows = await managed.ask<{ id: number; pid: number }[]>('/scoreboard');
    return rows.find((row) => row.id === id)?.pid ?? 0;
  };
  process.kill(await pidOf(1), 'SIGSEGV');
  await managed.until('crash_loop_entered');
  const clients = await connected(managed.port, 20); // 1 in 10^6: all in the other queue
  managed.signal('SIGTTOU');
  await managed.until('worker_removed');
  const answers = await Promise.all(clients.map(answer));
  const pids = answers.map((each) => /^HTTP\/1\.1 200 OK\r\n[\s\S]*\r\n(\d+)$/.exec(each)?.[1]);
  expect(answers.filter((_, index) => pids[index] === undefined)).toEqual([]);
  expect(new Set(pids).size).toBe(2);
  expect((await managed.stop()).status).toBe(0);
});
