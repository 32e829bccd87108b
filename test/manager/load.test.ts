/** Nobody's request is lost by what operators do, and of the killed only what they had in hand. */
import { readFileSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import type { WorkerStatus } from '../../lib/manager/scoreboard';
import { Load, Managed } from '../helpers/manager';
import { hasWrk, Wrk } from '../helpers/wrk';

/** `npm run test:load` has more of all of it. */
const {
  LOAD_ROUNDS = '5',
  LOAD_KILLS = '40',
  LOAD_RESTARTS = '200',
  LOAD_SECONDS = '110',
} = process.env as Record<string, string>;
const DEADMAN = { deadman: Number(LOAD_SECONDS) * 1000 };
const CLIENTS = 16;
const NOTHING_LOST = { read: 0, write: 0, timeout: 0, notOk: 0 };

if (!hasWrk) console.warn('Without wrk (Debian package wrk) nothing is asked as fast as it can.');

async function anyWorker(managed: Managed): Promise<number> {
  for (;;) {
    const rows = await managed.ask<WorkerStatus[]>('/scoreboard').catch(() => []);
    const ready = rows.filter(({ state }) => state === 'ready');
    const chosen = ready[Math.floor(Math.random() * ready.length)];
    if (chosen !== undefined) return chosen.pid;
  }
}

/** All of them, once they are ready. */
async function allWorkers(managed: Managed, count: number): Promise<number[]> {
  for (;;) {
    const rows = await managed.ask<WorkerStatus[]>('/scoreboard').catch(() => []);
    const ready = rows.filter(({ state }) => state === 'ready');
    if (ready.length === count) return ready.map(({ pid }) => pid);
  }
}

/** Without the pages of files, of which the kernel brings in more and takes them back as it likes. */
function residentOf(pid: number): number {
  return Number(/^RssAnon:\s+(\d+) kB$/m.exec(readFileSync(`/proc/${pid}/status`, 'latin1'))?.[1]) * 1024;
}

function processorTimeOf(pid: number): number {
  const fields = readFileSync(`/proc/${pid}/stat`, 'latin1').split(') ').at(-1)?.split(' ') ?? [];
  return (Number(fields[11]) + Number(fields[12])) * 10; // ticks of 10 ms
}

async function replaceAddAndRemove(managed: Managed): Promise<void> {
  managed.signal('SIGHUP');
  await managed.until('replaced_all');
  managed.signal('SIGTTIN');
  await managed.until('serving');
  managed.signal('SIGTTOU');
  await managed.until('worker_removed');
}

/** Ways in which connections come to workers. */
const WAYS = [{}, { balanced: true }, { sticky: 'ip' as const }];

test.each(WAYS)('Rolling replacements, workers more and fewer: nothing is lost (%o).', async (way) => {
  const managed = await new Managed('server.js', { workers: 2, ...way }, DEADMAN).started();
  const load = new Load(managed.port, CLIENTS);
  for (let round = 0; round < Number(LOAD_ROUNDS); round++) await replaceAddAndRemove(managed);
  await load.stop();
  expect(load.errors).toEqual([]);
  expect(load.answered).toBeGreaterThan(50);
  expect((await managed.stop()).status).toBe(0);
});

describe.runIf(hasWrk)('Under wrk', () => {
  test.each(WAYS)('rolling replacements, workers more and fewer lose nothing (%o).', async (way) => {
    const managed = await new Managed('server.js', { workers: 2, ...way }, DEADMAN).started();
    const wrk = new Wrk(managed.port);
    for (let round = 0; round < Number(LOAD_ROUNDS); round++) await replaceAddAndRemove(managed);
    const { requests, ...lost } = await wrk.stop();
    expect(lost).toEqual({ connect: 0, ...NOTHING_LOST });
    expect(requests).toBeGreaterThan(50);
    expect((await managed.stop()).status).toBe(0);
  });

  test('SIGTERM loses nothing.', async () => {
    const managed = await new Managed('server.js', { workers: 3 }).started();
    const wrk = new Wrk(managed.port);
    while ((await managed.ask<WorkerStatus[]>('/scoreboard')).some(({ requests }) => requests < 100));
    managed.signal('SIGTERM');
    expect((await managed.end()).status).toBe(0);
    // Nobody listens any more. It tries and tries, and to be refused is a "write error" to it; a request that was sent and
    // not answered is a "read error".
    const { requests, connect, write, ...lost } = await wrk.stop();
    expect(lost).toEqual({ read: 0, timeout: 0, notOk: 0 });
    expect(requests).toBeGreaterThan(200);
  });

  test('kills of workers lose what these had in hand, and nothing else.', async () => {
    const managed = await new Managed('server.js', { workers: 4 }, DEADMAN).started();
    const wrk = new Wrk(managed.port, CLIENTS);
    for (let kills = 0; kills < Number(LOAD_KILLS); kills++) {
      process.kill(await anyWorker(managed), 'SIGKILL');
      await managed.until('worker_killed');
    }
    const { requests, read, write, ...lost } = await wrk.stop();
    expect(lost).toEqual({ connect: 0, timeout: 0, notOk: 0 });
    expect(read + write).toBeLessThanOrEqual(Number(LOAD_KILLS) * CLIENTS);
    expect(requests).toBeGreaterThan(50);
    expect((await managed.stop()).status).toBe(0);
  });
});

test('SIGTERM: every request that was sent is answered.', async () => {
  const managed = await new Managed('server.js', { workers: 3 }).started();
  const load = new Load(managed.port, CLIENTS);
  while (load.answered < 500) await new Promise((resolve) => setTimeout(resolve, 5));
  managed.signal('SIGTERM');
  await load.refused();
  expect(load.errors).toEqual([]);
  expect((await managed.end()).status).toBe(0);
});

test('Workers killed at random lose what they had in hand, and nothing else.', async () => {
  const managed = await new Managed('server.js', { workers: 4 }, DEADMAN).started();
  const load = new Load(managed.port, CLIENTS);
  for (let kills = 0; kills < Number(LOAD_KILLS); kills++) {
    process.kill(await anyWorker(managed), 'SIGKILL');
    await managed.until('worker_killed');
    const before = load.answered;
    while (load.answered < before + CLIENTS) await new Promise((resolve) => setTimeout(resolve, 1));
  }
  await load.stop();
  // A client has one request under way, and its connection was one of the killed worker's.
  expect(load.errors.length).toBeLessThanOrEqual(Number(LOAD_KILLS) * CLIENTS);
  expect(new Set(load.errors)).not.toContain('ETIMEDOUT');
  const { status, entries } = await managed.stop();
  expect(status).toBe(0);
  expect(entries.filter(({ event }) => event === 'worker_killed')).toHaveLength(Number(LOAD_KILLS));
});

test('A crash loop is reported once, and costs next to nothing.', async () => {
  const env = { MISFIT: 'crashes when it is ready' };
  const managed = new Managed('misfits.js', { workers: 4 }, { env });
  await managed.until('crash_loop_entered');
  const [startedAt, before] = [Date.now(), processorTimeOf(managed.program.pid)];
  await new Promise((resolve) => setTimeout(resolve, 5_000));
  const share = (processorTimeOf(managed.program.pid) - before) / (Date.now() - startedAt);
  expect(share).toBeLessThan(0.02); // the first seconds are the dearest: five starts
  const { entries } = await managed.stop();
  expect(entries.filter(({ event }) => event === 'crash_loop_entered')).toHaveLength(1);
  // Each worker says that it started until the loop is known.
  expect(entries.filter(({ event }) => event !== 'worker_started').length).toBeLessThan(12);
  const known = entries.findIndex(({ event }) => event === 'crash_loop_entered');
  expect(entries.slice(known).map(({ event }) => event)).not.toContain('worker_started');
});

test('After many restarts the manager is as large as it was.', async () => {
  const WORKERS = 4;
  const options = { ...DEADMAN, env: { COLLECTS: 'yes' } };
  const managed = await new Managed('server.js', { workers: WORKERS }, options).started();
  const collected = async () => {
    managed.signal('SIGUSR1');
    await managed.until('logs_reopened');
    return residentOf(managed.program.pid);
  };
  // All at once: on a busy machine each of them waits for a processor several times.
  const restart = async (times: number) => {
    for (let done = 0; done < times; done += WORKERS) {
      for (const worker of await allWorkers(managed, WORKERS)) process.kill(worker, 'SIGKILL');
      for (let killed = 0; killed < WORKERS; killed++) await managed.until('worker_killed');
    }
  };
  await restart(400); // until then V8 enlarges its young generation, once
  const before = await collected();
  await restart(Number(LOAD_RESTARTS));
  expect((await collected()) - before).toBeLessThan(6 * 2 ** 20);
  await managed.stop();
});
