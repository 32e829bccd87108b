/** `prefork status` says who runs, since when, which code, and how each worker is. */
import { once } from 'node:events';
import { readFileSync, writeFileSync } from 'node:fs';
import { connect } from 'node:net';
import { join } from 'node:path';
import { setImmediate } from 'node:timers/promises';
import { expect, test } from 'vitest';
import type { Sight } from '../../../lib/manager/shown/sight';
import { prefork } from '../../helpers/command';
import { launch, type Served, serve } from '../../helpers/served';

const APP = `
  const { createServer } = require('node:http');
  const server = createServer((request, response) => {
    if (request.url === '/block') for (;;);
    if (request.url === '/never') return;
    response.end(String(process.pid));
  });
  server.keepAliveTimeout = 100_000;
  server.listen(0, '127.0.0.1');`;

function start(options: string[] = [], app = APP): Promise<Served> {
  return serve(['app.js', '-w', '2', ...options], { files: { 'app.js': app }, until: /2 workers ready/ });
}

async function status({ running, folder }: Served, ...options: string[]): Promise<string> {
  const result = await prefork(folder, ['status', String(running.pid), ...options]).result;
  expect({ status: result.status, stderr: result.stderr }).toEqual({ status: 0, stderr: '' });
  return result.stdout;
}

async function sight(served: Served): Promise<Sight> {
  return JSON.parse(await status(served, '--json')) as Sight;
}

async function sightWhen(served: Served, holds: (seen: Sight) => boolean): Promise<Sight> {
  for (;;) {
    const seen = await sight(served);
    if (holds(seen)) return seen;
  }
}

const doings = ({ workers }: Sight) => workers.map(({ doing }) => doing);

test('As JSON: the service, its processes, and what each worker has done.', async () => {
  const served = await start(['--name', 'shop', '--title', 'x']);
  const began = Date.now();
  for (let i = 0; i < 7; i++) await served.ask();
  const seen = await sight(served);
  const [port] = served.ports;
  expect(seen).toMatchObject({
    name: 'shop',
    application: { path: join(served.folder, 'app.js'), version: null },
    manager: { pid: served.running.pid, node: process.version },
    phase: 'running',
    generation: 0,
    isReplacing: false,
    refused: null,
    addresses: [`127.0.0.1:${port}`],
    wanted: 2,
    ready: 2,
    others: [{ role: 'template', generation: 0 }],
  });
  expect(
    seen.workers.map(({ id, state, restarts, generation }) => ({ id, state, restarts, generation })),
  ).toEqual([0, 1].map((id) => ({ id, state: 'ready', restarts: 0, generation: 0 })));
  const pids = [...seen.workers, ...seen.others].map(({ pid }) => pid);
  expect(pids.sort()).toEqual(served.running.children().sort());
  expect(seen.workers.reduce((sum, { requests }) => sum + (requests ?? 0), 0)).toBe(7);
  for (const { age, requestsPerSecond, cpu, heapUsed, loopDelay } of seen.workers) {
    for (const figure of [age, requestsPerSecond, cpu, heapUsed, loopDelay]) {
      expect(figure).toBeGreaterThanOrEqual(0);
      expect(figure).toBeLessThan(2 ** 32);
    }
  }
  // By clocks that the kernel rounds to hundredths of a second.
  expect(Date.parse(seen.manager.startedAt)).toBeLessThan(began);
  expect(Date.parse(seen.since ?? '')).toBeGreaterThanOrEqual(Date.parse(seen.manager.startedAt) - 20);
  expect(await served.stop()).toBe('status 0');
});

test.each([
  ['of TCP', '127.0.0.1:0'],
  ['of Unix', 'unix:shop.sock'],
])('Who waits in the queue of a socket is counted: %s.', async (_, address) => {
  const served = await start(['--bind', address, '--hang-timeout', '0']);
  const [name = ''] = (await sight(served)).addresses;
  const where = address.startsWith('unix')
    ? { path: join(served.folder, 'shop.sock') }
    : { port: served.ports[0] ?? 0, host: '127.0.0.1' };
  const { workers } = await sight(served);
  for (const { pid } of workers) process.kill(pid, 'SIGSTOP');
  await Promise.all(workers.map(({ pid }) => stopped(pid)));
  const clients = Array.from({ length: 3 }, () => connect(where));
  await Promise.all(clients.map((client) => once(client, 'connect')));
  const seen = await sight(served);
  expect(seen.queues).toEqual({ [name]: 3 });
  expect(await status(served)).toContain(`listens on ${name} (3 waiting)`);
  for (const { pid } of workers) process.kill(pid, 'SIGCONT');
  expect((await sightWhen(served, ({ queues }) => queues[name] === 0)).queues).toEqual({ [name]: 0 });
  for (const client of clients) client.destroy();
  expect(await served.stop()).toBe('status 0');
});

async function stopped(pid: number): Promise<void> {
  while (!/^State:\tT/m.test(readFileSync(`/proc/${pid}/status`, 'utf8'))) await setImmediate();
}

test('For people: three lines, and a line for each worker.', async () => {
  const served = await start(['--name', 'shop']);
  const { pid } = served.running;
  const [port] = served.ports;
  const [identity, processes, serves, empty, names, ...workers] = (await status(served))
    .trimEnd()
    .split('\n');
  expect(identity).toBe(`shop  ${served.folder}/app.js`);
  expect(processes).toMatch(
    new RegExp(
      `^manager ${pid}, template \\d+: up \\d+ m?s, prefork \\S+, Node v\\S+, listens on 127\\.0\\.0\\.1:${port}$`,
    ),
  );
  expect(serves).toMatch(/^generation 0 serves for \d+ m?s: 2 of 2 workers ready$/);
  expect(empty).toBe('');
  expect(names?.trim().split(/ +/)).toEqual(
    'ID PID STATE GEN AGE RESTARTS REQUESTS REQ/S CONN DELAY CPU PRIVATE DOING'.split(' '),
  );
  expect(workers).toHaveLength(2);
  for (const line of workers)
    expect(line).toMatch(/^ +[01] +\d+ {2}ready +0 +\d+ m?s +0 +0 +0\.0 +0 +\d+ ms +\d+ % .* idle$/);
  expect(await served.stop()).toBe('status 0');
});

test('A worker is idle, waits on open connections, or is blocked.', async () => {
  const served = await start(['--hang-timeout', '0']);
  await sightWhen(served, (seen) => doings(seen).join() === 'idle,idle');
  const client = connect(served.ports[0] ?? 0, '127.0.0.1');
  await sightWhen(served, (seen) => doings(seen).sort().join() === 'idle,waiting, 1 open');
  client.end();
  await sightWhen(served, (seen) => doings(seen).join() === 'idle,idle');
  const blocked = served.ask('/block').catch(() => 'cut');
  const seen = await sightWhen(served, (each) =>
    doings(each).some((doing) => /^blocked for \d+ s$/.test(doing)),
  );
  const { pid = 0 } = seen.workers.find(({ doing }) => /^blocked/.test(doing)) ?? {};
  process.kill(pid, 'SIGKILL');
  expect(await blocked).toBe('cut');
  const after = await sightWhen(
    served,
    ({ workers, ready }) => ready === 2 && workers.every((each) => each.pid !== pid),
  );
  expect(after.workers.map(({ restarts }) => restarts).sort()).toEqual([0, 1]);
  expect(await served.stop()).toBe('status 0');
});

test('A worker that has crashed has been restarted.', async () => {
  const served = await start();
  const [first] = (await sight(served)).workers;
  process.kill(first?.pid ?? 0, 'SIGSEGV');
  await served.until(/Worker 0 .* is ready|Worker 0 \(pid \d+\) has started|started/, 3);
  const { workers } = await sightWhen(
    served,
    (seen) => seen.ready === 2 && seen.workers[0]?.pid !== first?.pid,
  );
  expect(workers.find(({ id }) => id === 0)).toMatchObject({ restarts: 1 });
  expect(await served.stop()).toBe('status 0');
});

test('A version that was refused is told of, without what a terminal would obey.', async () => {
  const served = await start();
  writeFileSync(join(served.folder, 'app.js'), 'process.exit(3)');
  served.running.kill('SIGHUP');
  await served.until(/not put into service/);
  expect(await status(served)).toContain(
    '\ngeneration 1 was refused: it exited with status 3 before it listened\n',
  );
  expect((await sight(served)).refused).toEqual({
    generation: 1,
    why: 'it exited with status 3 before it listened',
  });
  expect(await served.stop()).toBe('status 0');
});

test('An application that has not listened yet is being loaded; one that ends answers its last requests.', async () => {
  const served = launch(['app.js', '-w', '1'], {
    files: { 'app.js': 'setInterval(() => {}, 1000); console.log("runs")' },
  });
  await served.until(/runs\n/);
  expect(await status(served)).toContain('\nThe application is being loaded\n');
  writeFileSync(join(served.folder, 'app.js'), APP);
  served.running.kill('SIGHUP');
  await served.until(/1 worker ready/);
  const request = served.ask('/never').catch(() => 'cut');
  await sightWhen(served, ({ workers }) => workers[0]?.requests === 1);
  served.running.kill('SIGTERM');
  const ending = await sightWhen(
    served,
    ({ phase, workers }) => phase === 'stopping' && workers[0]?.state === 'stopping',
  );
  expect(doings(ending)).toEqual(['finishing, 1 open']);
  expect(await status(served)).toContain('\nIt is ending: 0 of 1 workers left\n');
  served.running.kill('SIGQUIT');
  expect(await request).toBe('cut');
  expect(await served.running.exit()).toBe('status 0');
});
