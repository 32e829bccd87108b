/** With --sticky ip all connections from one address go to one worker, whatever becomes of the processes. */
import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { connect } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { expect, onTestFinished, test } from 'vitest';
import type { WorkerStatus } from '../../lib/manager/scoreboard';
import { get, Managed } from '../helpers/manager';
import { freePort } from '../helpers/port';
import { WITHOUT_TURNS } from '../helpers/turns';

const ADDRESSES = Array.from({ length: 96 }, (_, i) => `127.1.${i >> 5}.${1 + (i & 31)}`);

/** The id of the worker that answers each of them. */
async function idsOf(managed: Managed): Promise<number[]> {
  const ids: number[] = [];
  for (const localAddress of ADDRESSES) {
    const answer = await get({ port: managed.port, localAddress }, '/worker');
    ids.push((JSON.parse(answer) as { id: number }).id);
  }
  return ids;
}

function countsOf(ids: readonly number[]): number[] {
  return [...new Set(ids)].sort().map((id) => ids.filter((each) => each === id).length);
}

async function pidOf(managed: Managed, id: number): Promise<number> {
  const rows = await managed.ask<WorkerStatus[]>('/scoreboard');
  return rows.find((row) => row.id === id)?.pid ?? 0;
}

test('It needs no rights; each worker has its share of the addresses; a reload and the end of a worker change nothing.', async () => {
  const settings = { workers: 4, sticky: 'ip' as const };
  const managed = await new Managed('server.js', settings, { under: WITHOUT_TURNS }).started();
  const before = await idsOf(managed);
  const counts = countsOf(before);
  expect(counts).toHaveLength(4);
  expect(Math.min(...counts)).toBeGreaterThan(10);
  expect(await idsOf(managed)).toEqual(before);

  managed.signal('SIGHUP');
  await managed.until('replaced_all');
  expect(await idsOf(managed)).toEqual(before);

  process.kill(await pidOf(managed, 2), 'SIGKILL');
  await managed.until('worker_killed');
  expect(await idsOf(managed)).toEqual(before);
  expect((await managed.stop()).status).toBe(0);
});

test('A worker that joins takes its share from all others, and gives it back when it goes; nobody else moves.', async () => {
  const managed = await new Managed('server.js', { workers: 3, sticky: 'ip' }).started();
  const before = await idsOf(managed);
  for (let round = 0; round < 2; round++) {
    managed.signal('SIGTTIN');
    await managed.until('worker_started');
    const with4 = await idsOf(managed);
    const moved = with4.filter((id, i) => id !== before[i]);
    expect(new Set(moved)).toEqual(new Set([3]));
    expect(countsOf(with4)).toHaveLength(4);
    managed.signal('SIGTTOU');
    await managed.until('worker_removed');
    expect(await idsOf(managed)).toEqual(before);
  }
  expect((await managed.stop()).status).toBe(0);
});

test('A connection that is under way to a worker that goes is answered by it.', async () => {
  const env = { DEFER_ACCEPT: '1' };
  const managed = await new Managed('server.js', { workers: 2, sticky: 'ip' }, { env }).started();
  const client = async (localAddress: string) => {
    const socket = connect({ port: managed.port, host: '127.0.0.1', localAddress });
    onTestFinished(() => void socket.destroy());
    await once(socket, 'connect');
    return socket;
  };
  const clients = await Promise.all(ADDRESSES.slice(0, 40).map(client));
  managed.signal('SIGTTOU');
  await managed.until('worker_removed');
  const answers = await Promise.all(
    clients.map((socket) => {
      socket.write('GET /worker HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n');
      return text(socket).catch((error) => String(error.code));
    }),
  );
  expect(answers.filter((answer) => !answer.startsWith('HTTP/1.1 200 OK'))).toEqual([]);
  expect(new Set(answers.map((answer) => /"id":(\d)/.exec(answer)?.[1]))).toEqual(new Set(['0', '1']));
  expect((await managed.stop()).status).toBe(0);
});

test("Where clients have no address, or the socket is not the manager's, the log says that it has no effect.", async () => {
  const folder = mkdtempSync(join(tmpdir(), 'prefork-sticky-'));
  onTestFinished(() => rmSync(folder, { recursive: true, force: true }));
  const socketPath = join(folder, 'socket');
  const bind = [{ kind: 'unix' as const, path: socketPath }];
  const managed = new Managed('server.js', { workers: 2, sticky: 'ip', bind });
  expect(await managed.until('sticky_without_effect')).toMatchObject({
    level: 'warning',
    message: expect.stringMatching(/^--sticky has no effect on unix:.*: a Unix socket has one queue/),
  });
  await managed.until('workers_ready');
  expect(await get({ socketPath })).toMatch(/^\d+$/);
  expect((await managed.stop()).status).toBe(0);
});

test('A port that another one serves is in use, also for the same user.', async () => {
  const port = freePort();
  const env = { SERVER_PORT: String(port) };
  const first = await new Managed('server.js', { workers: 1, sticky: 'ip' }, { env }).started();
  const second = new Managed('server.js', { workers: 1, sticky: 'ip' }, { env });
  expect((await second.until('listen_failed')).message).toMatch(/the port is in use/);
  expect((await second.end()).status).toBe(1);
  expect((await first.stop()).status).toBe(0);
});
