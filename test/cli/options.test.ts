/** Each option has its effect on a running server. */
import { existsSync, readFileSync } from 'node:fs';
import { get } from 'node:http';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { freePort } from '../helpers/port';
import { launch, serve } from '../helpers/served';
import { ROOT } from '../helpers/stdin';

const SERVER = join(ROOT, 'test', 'fixtures', 'cli', 'server.js');
const stripsTypes = Boolean((process.features as { typescript?: string | false }).typescript);
const isRoot = process.getuid?.() === 0;

test('--workers: so many processes.', async () => {
  const served = await serve([SERVER, '--workers', '3']);
  expect(served.running.workers()).toHaveLength(3);
  expect(served.log).toMatch(/ 3 workers ready\n/);
});

test('--workers auto: one on a single processor, however many the machine has.', async () => {
  const served = await serve([SERVER, '--workers', 'auto'], { under: ['taskset', '-c', '0'] });
  expect(served.running.workers()).toHaveLength(1);
});

test('WEB_CONCURRENCY and the file are heeded, and the command line wins.', async () => {
  const files = { 'prefork.config.json': JSON.stringify({ workers: 2, title: 'from file', umask: '077' }) };
  const env = { WEB_CONCURRENCY: '3', PREFORK_TITLE: 'from environment' };
  const served = await serve([SERVER, '--umask', '027'], { files, env });
  expect(served.running.workers()).toHaveLength(3);
  expect(titleOf(served.running.pid)).toBe('from environment: manager');
  expect(await served.info()).toMatchObject({ umask: 0o27 });
});

test("--bind: other addresses in place of the application's, several at once.", async () => {
  const served = await serve([SERVER, '-w', '1', '-b', '127.0.0.1:0,127.0.0.1:0', '-b', 'unix:app.sock']);
  const [one = 0, two = 0] = served.ports;
  expect(one).not.toBe(two);
  const socketPath = join(served.folder, 'app.sock');
  for (const where of [{ port: one }, { port: two }, { socketPath }]) {
    expect(JSON.parse(await served.ask('/', where))).toMatchObject({ id: 0 });
  }
  expect(await served.stop()).toBe('status 0');
  expect(existsSync(socketPath)).toBe(false);
});

test('--bind fd:3: a socket that was handed over.', async () => {
  const hander = `
    const [socket] = require(${JSON.stringify(ROOT)}).bindSockets(0, '127.0.0.1');
    const stdio = ['inherit', 'inherit', 'inherit', socket.fd];
    require('node:child_process').spawn(process.argv[1], process.argv.slice(2), { stdio });
  `;
  const under = [process.execPath, '-e', hander];
  const served = await serve([SERVER, '-w', '2', '--bind', 'fd:3'], { under });
  expect(await served.info()).toHaveProperty('pid');
});

test('--bind fd:3: its owner can pass it to the next process, and no client is refused in between.', async () => {
  const restarter = `
    const [socket] = require(${JSON.stringify(ROOT)}).bindSockets(0, '127.0.0.1');
    const stdio = ['inherit', 'inherit', 'inherit', socket.fd];
    const start = () => require('node:child_process').spawn(process.argv[1], process.argv.slice(2), { stdio }).on('exit', start);
    start();
  `;
  const under = [process.execPath, '-e', restarter];
  const served = await serve([SERVER, '-w', '1', '--bind', 'fd:3'], { under });
  const first = await served.info();
  served.running.kill('SIGTERM', served.running.children()[0]);
  await served.until(/All workers have ended/);
  expect((await served.info()).pid).not.toBe(first.pid);
});

test('--graceful-timeout: after it a worker that still has a request is killed.', async () => {
  const served = await serve([SERVER, '-w', '1', '--graceful-timeout', '300ms']);
  const [port] = served.ports;
  const request = get({ host: '127.0.0.1', port, path: '/never', agent: false });
  request.on('error', () => {});
  await new Promise((resolve) => request.once('response', resolve));
  expect(await served.stop()).toBe('status 0');
  expect(served.log).toMatch(/Worker 0 \(pid \d+\) did not finish within 0\.3 s: killed/);
});

test('--boot-timeout: a worker that is not ready by then is killed, and the reason is told.', async () => {
  const env = { NEVER_READY: '1' };
  // It counts for the application's own start, too, which is not to be late.
  const served = launch([SERVER, '-w', '1', '--boot-timeout', '2s', '--restart-burst', '0'], { env });
  expect(await served.running.exit()).toBe('status 1');
  expect(served.log).toMatch(/was not ready within 2 s: killed/);
  expect(served.log).toMatch(/No worker became ready: /);
});

test('--hang-timeout: a worker that stands still says where, and is replaced.', async () => {
  const served = await serve([SERVER, '-w', '1', '--hang-timeout', '2s']);
  const { pid } = await served.info();
  await expect(served.ask('/hang')).rejects.toThrow();
  await served.until(/standStill/);
  const [, seconds] = /has blocked its event loop for ([\d.]+) s/.exec(served.log) ?? [];
  expect(Number(seconds)).toBeGreaterThanOrEqual(0.4);
  expect(await served.info()).toMatchObject({ id: 0, restarts: 1 });
  expect((await served.info()).pid).not.toBe(pid);
});

test('--restart-burst, --restart-window, --restart-min-delay, --restart-max-delay: crashes are answered later and later.', async () => {
  const flags = [
    '--restart-burst=1',
    '--restart-window=1h',
    '--restart-min-delay=20ms',
    '--restart-max-delay=60ms',
  ];
  const served = await serve([SERVER, '-w', '1', ...flags]);
  await expect(served.ask('/crash')).rejects.toThrow();
  await expect(served.ask('/crash')).rejects.toThrow();
  await served.until(
    /CRASH LOOP: 2 crashes .* the next in (0|0\.0) s, then at growing intervals of up to 0\.1 s/,
  );
  expect(await served.info()).toMatchObject({ restarts: 2 });
});

test('--restart-window: a crash that is longer ago does not count.', async () => {
  const served = await serve([SERVER, '-w', '1', '--restart-burst=1', '--restart-window=1ms']);
  for (let crash = 1; crash <= 3; crash++) {
    await expect(served.ask('/crash')).rejects.toThrow();
    expect(await served.info()).toMatchObject({ restarts: crash });
  }
  expect(served.log).not.toMatch(/CRASH LOOP/);
});

test('--restart-limit: one crash more ends it all with status 1.', async () => {
  const served = await serve([SERVER, '-w', '1', '--restart-limit', '1']);
  await expect(served.ask('/crash')).rejects.toThrow();
  expect(await served.info()).toMatchObject({ restarts: 1 });
  await expect(served.ask('/crash')).rejects.toThrow();
  expect(await served.running.exit()).toBe('status 1');
  expect(served.log).toMatch(/Workers have crashed more than 1 time: giving up/);
});

test('--max-requests: after so many a worker is replaced, and no request is lost.', async () => {
  const served = await serve([SERVER, '-w', '1', '--max-requests', '20', '--max-requests-jitter', '0']);
  const seen = new Set<number>();
  while (seen.size < 3) seen.add((await served.info()).pid);
  await served.until(/has served \d+ requests: replacing it/, 2); // it does so, then it says so
  const counts = [...served.log.matchAll(/has served (\d+) requests: replacing it/g)].map(([, count]) =>
    Number(count),
  );
  expect(Math.min(...counts)).toBeGreaterThanOrEqual(20);
});

test('--max-memory: a worker that has more of its own is replaced.', async () => {
  const served = await serve([SERVER, '-w', '1', '--max-memory', '100M']);
  const { pid } = await served.info();
  await served.ask('/eat');
  await served.until(new RegExp(`\\(pid ${pid}\\) has \\d+ MiB of private memory: replacing it`));
  while ((await served.info()).pid === pid);
});

test.each([
  [[], true],
  [['--no-warmup'], false],
])(
  'Warm-up: with %j the parent has had all garbage collected before the fork: %j.',
  async (flags, collected) => {
    const served = await serve([SERVER, '-w', '1', ...flags], { node: ['--trace-gc'] });
    expect(await served.stop()).toBe('status 0');
    // V8 says "testing" of a collection that was asked for.
    expect(/Mark-Compact.*testing/.test(served.running.stdout)).toBe(collected);
  },
);

test.each([
  [[], 'gathered'],
  [['--preload', 'no'], 'gathered'],
  [['--no-gather-heap'], 'anywhere'],
])('With %j the heap of a worker grows %s.', async (flags, where) => {
  const served = await serve([SERVER, '-w', '1', ...flags]);
  const megabytes = Number(await served.ask('/heap'));
  expect(megabytes > 6 ? 'gathered' : 'anywhere').toBe(where);
  expect(megabytes > 0 ? 'gathered' : 'anywhere').toBe(where);
});

test.each([
  [[], 'grows'],
  [['--small-young-generation'], 'stays'],
])('With %j the young generation of a worker %s as small as at first.', async (flags, size) => {
  const served = await serve([SERVER, '-w', '1', ...flags]);
  const megabytes = Number(await served.ask('/young'));
  expect(megabytes > 6 ? 'grows' : 'stays').toBe(size);
});

/** Sockets that listen on the port, by /proc/net/tcp. */
function listenersOn(port: number): number {
  const hexadecimal = port.toString(16).toUpperCase().padStart(4, '0');
  const lines = readFileSync('/proc/net/tcp', 'utf8').split('\n');
  return lines.filter((line) => new RegExp(`^ *\\d+: \\w+:${hexadecimal} \\w+:0000 0A `).test(line)).length;
}

test.each([
  [[], 1],
  [['--balanced'], 3],
])('With %j there are %i queues for three workers.', async (flags, queues) => {
  const served = await serve([SERVER, '-w', '3', ...flags]);
  expect(listenersOn(served.ports[0] ?? 0)).toBe(queues);
});

test.runIf(isRoot)('--user, --group: the workers run as these, the parent does not.', async () => {
  const served = await serve([SERVER, '-w', '1', '--user', 'nobody', '--group', '12']);
  expect(await served.info()).toMatchObject({ user: 65534, groups: expect.arrayContaining([12]) });
  expect((await served.info())['groups']).not.toContain(0);
  expect(readFileSync(`/proc/${served.running.pid}/status`, 'utf8')).toMatch(/^Uid:\t0\t0/m);
});

test('--umask', async () => {
  const served = await serve([SERVER, '-w', '1', '--umask', '137']);
  expect(await served.info()).toMatchObject({ umask: 0o137 });
});

test('--cwd: the application and its workers are there.', async () => {
  const files = { 'inner/app.js': `require(${JSON.stringify(SERVER)})` };
  const served = await serve(['app.js', '-w', '1', '--cwd', 'inner'], { files });
  expect(await served.info()).toMatchObject({ cwd: join(served.folder, 'inner') });
});

test('--pid-file: it holds the pid of the parent, and is gone at the end.', async () => {
  const served = await serve([SERVER, '-w', '1', '--pid-file', 'app.pid']);
  const file = join(served.folder, 'app.pid');
  expect(readFileSync(file, 'utf8')).toBe(`${served.running.pid}\n`);
  expect(await served.stop()).toBe('status 0');
  expect(existsSync(file)).toBe(false);
});

function titleOf(pid: number): string {
  return readFileSync(`/proc/${pid}/cmdline`, 'utf8').replace(/\0.*$/, '');
}

test('--title: ps shows it, and which process it is.', async () => {
  const served = await serve([SERVER, '-w', '1', '--title', 'shop']);
  expect(titleOf(served.running.pid)).toBe('shop: manager');
  expect(titleOf((await served.info()).pid)).toBe('shop: worker 0');
});

test('--log-format json: one object a line, also for a stack of several lines.', async () => {
  const served = await serve([SERVER, '-w', '1', '--log-format', 'json', '--hang-timeout', '2s']);
  await served.ask('/hang').catch(() => {});
  await served.info();
  await served.stop();
  const entries = served.log
    .trim()
    .split('\n')
    .filter((line) => line.startsWith('{'))
    .map((line) => JSON.parse(line) as Record<string, unknown>);
  expect(entries[0]).toMatchObject({
    level: 'info',
    event: 'listening_started',
    time: expect.stringMatching(/^2.*Z$/),
  });
  expect(entries.map(({ event }) => event)).toEqual(
    expect.arrayContaining(['workers_ready', 'worker_hung', 'shutdown_started', 'shutdown_finished']),
  );
  expect(entries.find(({ event }) => event === 'worker_hung')).toMatchObject({ worker: 0, level: 'error' });
});

test('--log-format pretty, plain', async () => {
  const pretty = await serve([SERVER, '-w', '1', '--log-format', 'pretty']);
  expect(pretty.log).toMatch(/^\d\d:\d\d:\d\d prefork {2}Listening on /);
  const plain = await serve([SERVER, '-w', '1']);
  expect(plain.log).toMatch(/^\d{4}-\d\d-\d\dT[\d:.]+Z prefork\[\d+\] info: Listening on /);
});

async function inspectorOn(port: number): Promise<string> {
  const response = await fetch(`http://127.0.0.1:${port}/json/list`);
  return ((await response.json()) as { webSocketDebuggerUrl: string }[])[0]?.webSocketDebuggerUrl ?? '';
}

test('--inspect-port: each worker has an inspector of its own.', async () => {
  const base = freePort(2);
  const served = await serve([SERVER, '-w', '2', '--inspect-port', String(base)]);
  const own = new Map<number, unknown>();
  while (own.size < 2) {
    const { id, inspector } = await served.info();
    own.set(id, inspector);
  }
  for (const id of [0, 1]) expect(await inspectorOn(base + id)).toBe(own.get(id));
});

test('Hooks: beforeFork in the template, afterFork in the worker, workerReady and workerExit in the attendant.', async () => {
  const config = `
    import { writeSync } from 'node:fs';
    const say = (what, ...more) => writeSync(1, what + ' ' + JSON.stringify([process.pid, ...more]) + '\\n');
    export default {
      workers: 1,
      hooks: {
        beforeFork: () => say('beforeFork'),
        afterFork: (worker) => { globalThis.fromOutside = { opened: worker.pid }; },
        workerReady: (worker) => say('workerReady', worker),
        workerExit: (worker, exit) => say('workerExit', worker, exit),
      },
    };
  `;
  const served = await serve([SERVER], { files: { 'prefork.config.mjs': config } });
  const { pid, opened } = await served.info();
  expect(opened).toBe(pid);
  expect(await served.stop()).toBe('status 0');
  const worker = { id: 0, pid, generation: 0, restarts: 0 };
  const lines = served.running.stdout.trim().split('\n');
  const [template, attendant, again] = lines.map((line) => Number(/\[(\d+)/.exec(line)?.[1]));
  expect(lines).toEqual([
    `beforeFork ${JSON.stringify([template])}`,
    `workerReady ${JSON.stringify([attendant, worker])}`,
    `workerExit ${JSON.stringify([again, worker, { code: 0, signal: null }])}`,
  ]);
  expect(again).toBe(attendant);
  expect(new Set([served.running.pid, pid, template, attendant]).size).toBe(4);
});

test('--import: a module that runs first. What follows -- is for the application.', async () => {
  const files = { 'first.mjs': 'globalThis.fromOutside = { first: process.argv.length > 1 };' };
  const served = await serve([SERVER, '-w', '1', '--import', './first.mjs', 'a', '--', '--workers', '7'], {
    files,
  });
  expect(await served.info()).toMatchObject({ first: true, argv: ['a', '--workers', '7'] });
});

test('--config, PREFORK_CONFIG and --no-config', async () => {
  const files = { 'prefork.config.json': '{ "workers": 2 }', 'other.json': '{ "workers": 1 }' };
  const counts = [];
  for (const [args, env] of [
    [[], {}],
    [['--config', 'other.json'], {}],
    [[], { PREFORK_CONFIG: 'other.json' }],
    [['--no-config', '-w', '3'], { PREFORK_CONFIG: 'other.json' }],
  ] as [string[], Record<string, string>][]) {
    const served = await serve([SERVER, ...args], { files, env });
    counts.push(served.running.workers().length);
  }
  expect(counts).toEqual([2, 1, 1, 3]);
});

test('prefork.config.ts is read: by Node, or with tsx.', async () => {
  const files = { 'prefork.config.ts': 'const workers: number = 2;\nexport default { workers } as const;\n' };
  const served = await serve([SERVER, ...(stripsTypes ? [] : ['--import', 'tsx'])], { files });
  expect(served.running.workers()).toHaveLength(2);
});
