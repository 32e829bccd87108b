/** `--status`: probes and metrics over HTTP, by the attendant, while workers are replaced, hang and end. */
import { readFileSync, writeFileSync } from 'node:fs';
import { type IncomingMessage, request } from 'node:http';
import { createServer } from 'node:net';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { text } from 'node:stream/consumers';
import { describe, expect, test } from 'vitest';
import { folderWith, prefork } from '../../helpers/command';
import { isRoot, NOBODY } from '../../helpers/nobody';
import { type Served, serve, type Where } from '../../helpers/served';

const APP = `
  require('node:http').createServer((request, response) => {
    if (request.url === '/never') return;
    response.end(String(process.pid));
  }).listen(0, '127.0.0.1');`;

function start(options: string[], status = '127.0.0.1:0'): Promise<Served> {
  const args = ['app.js', '-w', '2', '--status', status, ...options];
  return serve(args, { files: { 'app.js': APP }, until: /2 workers ready/ });
}

interface Answer {
  status: number | undefined;
  type: string | undefined;
  body: string;
}

function whereStatus({ log }: Served): Where {
  return { host: '127.0.0.1', port: Number(/The status is served on .*:(\d+)/.exec(log)?.[1]) };
}

function ask(where: Where, path: string, method = 'GET', headers = {}): Promise<Answer> {
  return new Promise((resolve, reject) => {
    const sent = request({ ...where, path, method, headers, agent: false }, (response) => {
      const { statusCode, headers } = response;
      const answer = (body: string) => resolve({ status: statusCode, type: headers['content-type'], body });
      text(response).then(answer, reject);
    });
    sent.on('error', reject).end();
  });
}

/** As Prometheus reads them: every line must be a comment or a sample. */
async function metrics(where: Where): Promise<Map<string, number>> {
  const { status, type, body } = await ask(where, '/metrics');
  expect({ status, type }).toEqual({ status: 200, type: 'text/plain; version=0.0.4; charset=utf-8' });
  const samples = body.split('\n').filter((line) => line !== '' && !line.startsWith('# '));
  for (const line of samples)
    expect(line).toMatch(/^[a-z_]+(\{[a-z]+="[^"]*"(,[a-z]+="[^"]*")*\})? \d+(\.\d+)?(e-\d+)?$/);
  expect(body.endsWith('\n')).toBe(true);
  return new Map(samples.map((line) => [line.replace(/ \S+$/, ''), Number(line.split(' ').at(-1))]));
}

async function metricsWhen(where: Where, holds: (now: Map<string, number>) => boolean) {
  for (;;) {
    const now = await metrics(where);
    if (holds(now)) return now;
  }
}

/** A client may have its answer before the worker has counted it. */
const hasCounted = (answers: number) => (now: Map<string, number>) =>
  ['prefork_responses_total{class="2xx"}', 'prefork_request_duration_seconds_count'].every(
    (name) => now.get(name) === answers,
  );

const plain = (status: number, body: string): Answer => ({ status, type: 'text/plain; charset=utf-8', body });

test('Probes, metrics, and an answer to everything else.', async () => {
  const served = await start(['--name', 'shop', '--bind', '127.0.0.1:0', '--bind', 'unix:shop.sock']);
  const where = whereStatus(served);
  expect(await ask(where, '/healthz')).toEqual(plain(200, 'alive\n'));
  expect(await ask(where, '/readyz?verbose')).toEqual(plain(200, '2 of 2 workers are ready\n'));
  expect(await ask(where, '/x')).toEqual(plain(404, 'There are /, /healthz, /readyz and /metrics\n'));
  expect(await ask(where, '/metrics', 'POST')).toEqual(plain(405, 'This address is for reading: use GET\n'));
  expect(await ask(where, '/healthz', 'HEAD')).toEqual(plain(200, ''));
  for (let i = 0; i < 5; i++) await served.ask();
  const now = await metricsWhen(where, hasCounted(5));
  expect(now.get('prefork_requests_total')).toBe(5);
  expect(now.get('prefork_responses_total{class="2xx"}')).toBe(5);
  expect(now.get('prefork_request_duration_seconds_bucket{le="+Inf"}')).toBe(5);
  expect(now.get('prefork_request_duration_seconds_count')).toBe(5);
  expect(now.get('prefork_request_duration_seconds_sum')).toBeGreaterThan(0);
  expect(now.get('prefork_cpu_seconds_total')).toBeGreaterThan(0);
  expect(now.get(`prefork_queue_length{address="127.0.0.1:${served.ports[0]}"}`)).toBe(0);
  expect(now.get('prefork_queue_length{address="unix:shop.sock"}')).toBe(0);
  expect(now.get('prefork_workers{state="ready"}')).toBe(2);
  expect(now.get('prefork_workers_wanted')).toBe(2);
  for (const id of [0, 1]) {
    expect(now.has(`prefork_worker_connections{worker="${id}"}`)).toBe(true);
    expect(now.get(`prefork_worker_shared_memory_bytes{worker="${id}"}`)).toBeGreaterThan(2 ** 20);
    expect(now.get(`prefork_worker_page_table_bytes{worker="${id}"}`)).toBeGreaterThan(2 ** 12);
  }
  expect([...now.keys()].find((name) => name.startsWith('prefork_info'))).toMatch(
    new RegExp(`^prefork_info\\{name="shop",version="",prefork="[^"]+",node="${process.version}"\\}$`),
  );
  expect(await served.stop()).toBe('status 0');
});

test('Counters never go back: not when a worker is killed, not with a new generation, not with a new program.', async () => {
  const served = await start([]);
  const where = whereStatus(served);
  let total = 0;
  let processorTime = 0;
  const askAll = async () => {
    for (let i = 0; i < 4; i++) await served.ask();
    total += 4;
    const now = await metricsWhen(where, hasCounted(total));
    expect(now.get('prefork_requests_total')).toBe(total);
    const cpu = now.get('prefork_cpu_seconds_total') ?? 0;
    expect(cpu).toBeGreaterThanOrEqual(processorTime);
    processorTime = cpu;
  };
  await askAll();
  const [first = 0] = served.running.workers();
  process.kill(first, 'SIGKILL');
  await metricsWhen(
    where,
    (now) => now.get('prefork_workers_ended_total') === 1 && now.get('prefork_workers{state="ready"}') === 2,
  );
  await askAll();
  for (const [index, signal] of (['SIGHUP', 'SIGUSR2'] as const).entries()) {
    served.running.kill(signal);
    await served.until(/Every worker has been replaced/, index + 1);
    await metricsWhen(where, (now) => now.get('prefork_workers_ended_total') === 3 + 2 * index);
    await askAll();
    const now = await metrics(where);
    expect(now.get('prefork_generation')).toBe(index + 1);
    expect(now.get('prefork_restarts_total{reason="killed"}')).toBe(1);
    expect(now.get('prefork_reloads_total{result="done"}')).toBe(index + 1);
    expect(now.get('prefork_reload_seconds')).toBeGreaterThan(0);
  }
  expect(await served.stop()).toBe('status 0');
});

test('Why workers were restarted is counted: a crash, a hang, a worker that has served enough.', async () => {
  const app = `
    require('node:http').createServer((request, response) => {
      if (request.url === '/hang') for (;;);
      if (request.url === '/crash') process.exit(3);
      response.statusCode = 503;
      response.end();
    }).listen(0, '127.0.0.1');`;
  const served = await serve(
    ['app.js', '-w', '1', '--status', '127.0.0.1:0', '--hang-timeout', '2s', '--max-requests', '3'],
    { files: { 'app.js': app }, until: /1 worker ready/ },
  );
  const where = whereStatus(served);
  const restarted = (reason: string) =>
    metricsWhen(
      where,
      (now) =>
        now.get(`prefork_restarts_total{reason="${reason}"}`) === 1 &&
        now.get('prefork_workers{state="ready"}') === 1,
    );
  await served.ask('/crash').catch(() => {});
  await restarted('crash');
  await served.ask('/hang').catch(() => {});
  await restarted('hang');
  for (let count = 0; count < 3; count++) await served.ask();
  await restarted('recycled');
  // Asked to end, a worker may still have to count its last answer.
  const now = await metricsWhen(where, (each) => each.get('prefork_responses_total{class="5xx"}') === 3);
  expect(now.get('prefork_requests_total')).toBe(5);
  expect(now.get('prefork_worker_crashes_total')).toBe(2);
  expect(await served.stop()).toBe('status 0');
});

test('Without prom-client /metrics says what to install, and everything else is served.', async () => {
  const hide = `
    const { Module } = require('node:module');
    const resolve = Module._resolveFilename;
    Module._resolveFilename = (name, ...rest) => resolve(name === 'prom-client' ? './not-there' : name, ...rest);`;
  const served = await serve(['--import', './hide.cjs', 'app.js', '-w', '1', '--status', '127.0.0.1:0'], {
    files: { 'app.js': APP, 'hide.cjs': hide },
    until: /1 worker ready/,
  });
  const where = whereStatus(served);
  const what =
    'prom-client writes the metrics, and is not installed: npm install prom-client, in the folder of the application\n';
  expect(await ask(where, '/metrics')).toEqual(plain(501, what));
  expect((await ask(where, '/')).status).toBe(200);
  expect(await served.stop()).toBe('status 0');
});

test('Nobody who asks during reloads is refused or cut off, and the address is bound once.', async () => {
  const served = await start([]);
  const where = whereStatus(served);
  let isOver = false;
  const asking = (async () => {
    const seen = new Set<string>();
    while (!isOver) seen.add(await ask(where, '/healthz').then(({ body }) => body, String));
    return [...seen];
  })();
  for (let reloads = 1; reloads <= 3; reloads++) {
    served.running.kill('SIGHUP');
    await served.until(/Every worker has been replaced/, reloads);
  }
  isOver = true;
  expect(await asking).toEqual(['alive\n']);
  expect(served.log.match(/The status is served/g)).toHaveLength(1);
  expect(await served.stop()).toBe('status 0');
});

test('Not ready: while more than half of the workers stand still, and when the service ends.', async () => {
  const served = await start(['--hang-timeout', '0', '--graceful-timeout', '50s']);
  const where = whereStatus(served);
  const workers = served.running.workers();
  const readiness = async (awaited: Answer) => {
    for (;;) {
      const answer = await ask(where, '/readyz');
      if (answer.body === awaited.body) return expect(answer).toEqual(awaited);
    }
  };
  process.kill(workers[0] ?? 0, 'SIGSTOP');
  await readiness(plain(200, '1 of 2 workers are ready\n'));
  process.kill(workers[1] ?? 0, 'SIGSTOP');
  await readiness(plain(503, '0 of 2 workers are ready\n'));
  expect(await ask(where, '/healthz')).toEqual(plain(200, 'alive\n'));
  for (const pid of workers) process.kill(pid, 'SIGCONT');
  await readiness(plain(200, '2 of 2 workers are ready\n'));
  const request = served.ask('/never').catch(() => 'cut');
  await metricsWhen(where, (now) => now.get('prefork_requests_total') === 1);
  served.running.kill('SIGTERM');
  await readiness(plain(503, '0 of 2 workers are ready, and the service is ending\n'));
  served.running.kill('SIGQUIT');
  expect(await request).toBe('cut');
  expect(await served.running.exit()).toBe('status 0');
});

test('The attendant is killed: another one takes its place, and those who wait are answered.', async () => {
  const served = await start(['--title', 'shop']);
  const where = whereStatus(served);
  const attendant = () => {
    const [, ...others] = served.running.children();
    return others.find((pid) => !served.running.workers().includes(pid));
  };
  const before = attendant() ?? 0;
  process.kill(before, 'SIGKILL');
  expect(await ask(where, '/healthz').catch(() => 'cut')).toBeDefined();
  expect(await ask(where, '/healthz')).toEqual(plain(200, 'alive\n'));
  expect(await served.stop()).toBe('status 0');
});

/** The seconds that a page gets when it is opened. */
function secondsOf(where: Where): Promise<number[]> {
  return new Promise((resolve, reject) => {
    const sent = request({ ...where, path: '/events', agent: false }, (response) => {
      let seen = '';
      response.on('data', (text: Buffer) => {
        seen += text;
        const [, history] = /event: history\ndata: (.*)\n/.exec(seen) ?? [];
        if (history === undefined) return;
        sent.destroy();
        resolve((JSON.parse(history) as { samples: number[][] }).samples.map(([second = 0]) => second));
      });
      response.on('error', reject);
    });
    sent.on('error', reject).end();
  });
}

test('What a page shows of the last minutes outlives the attendant.', async () => {
  const served = await start([]);
  const where = whereStatus(served);
  const [first] = await secondsOf(where); // the one of this look is noted, too
  expect(first).toBeGreaterThan(0);
  const [, ...others] = served.running.children();
  const attendant = others.find((pid) => !served.running.workers().includes(pid)) ?? 0;
  process.kill(attendant, 'SIGKILL');
  await served.until(/The attendant, which calls hooks and serves the status, was killed/);
  expect(await secondsOf(where)).toContain(first);
  expect(await served.stop()).toBe('status 0');
});

/** Its loop stands still until there is a file of the name that it is asked for. */
const STANDS_STILL = `
  const { existsSync } = require('node:fs');
  const pause = new Int32Array(new SharedArrayBuffer(4));
  require('node:http').createServer(({ url }, response) => {
    while (!existsSync('.' + url)) Atomics.wait(pause, 0, 0, 20);
    response.end();
  }).listen(0, '127.0.0.1');`;
/** Milliseconds from beat to beat while nobody looks; of which two must be missing. */
const BEAT = 1000;

/** For each look of the page: since when a loop that stands still had beaten, in milliseconds; undefined: none does. */
async function* blockedOn(where: Where): AsyncGenerator<number | undefined> {
  const response = await new Promise<IncomingMessage>((resolve, reject) => {
    request({ ...where, path: '/events', agent: false }, resolve)
      .on('error', reject)
      .end();
  });
  let event = '';
  for await (const line of createInterface({ input: response })) {
    if (line.startsWith('event: ')) event = line;
    if (event !== 'event: survey' || !line.startsWith('data: ')) continue;
    const { workers } = JSON.parse(line.slice('data: '.length)) as {
      workers: { isBlocked: boolean; sinceBeat: number }[];
    };
    yield workers.find(({ isBlocked }) => isBlocked)?.sinceBeat;
  }
}

test('Who looks at the page sees that a loop stands still before two of its usual beats are missing.', async () => {
  const args = ['app.js', '-w', '2', '--status', '127.0.0.1:0'];
  const served = await serve(args, { files: { 'app.js': STANDS_STILL }, until: /2 workers ready/ });
  const looks = blockedOn(whereStatus(served));
  const look = async () => (await looks.next()).value as number | undefined;
  await look();
  // On a machine that is busy, and before workers have heard that somebody looks, it may take longer.
  for (let attempt = 0, since = Number.POSITIVE_INFINITY; since >= 2 * BEAT; attempt++) {
    const answer = served.ask(`/go${attempt}`).catch(() => 'cut');
    do since = (await look()) ?? Number.NaN;
    while (Number.isNaN(since));
    writeFileSync(join(served.folder, `go${attempt}`), '');
    await answer;
    while ((await look()) !== undefined);
  }
  await looks.return(undefined);
  expect(await served.stop()).toBe('status 0');
});

describe('The address', () => {
  test('may be a path, which is gone at the end.', async () => {
    const folder = folderWith({});
    const socketPath = join(folder, 'status.sock');
    const served = await start([], `unix:${socketPath}`);
    expect(await ask({ socketPath }, '/healthz')).toEqual(plain(200, 'alive\n'));
    expect(await served.stop()).toBe('status 0');
    await expect(ask({ socketPath }, '/healthz')).rejects.toMatchObject({ code: 'ENOENT' });
  });

  test.each([':9100', '0.0.0.0:9100', '10.0.0.1:9100', '[::]:9100'])(
    '%s would be reached from other machines: without --status-public it is refused.',
    async (address) => {
      const folder = folderWith({ 'app.js': APP });
      const { status, stderr } = await prefork(folder, ['app.js', '--status', address]).result;
      expect(status).toBe(2);
      expect(stderr).toMatch(
        /^prefork: --status \S+ can be reached from other machines: take 127\.0\.0\.1, \[::1\] or unix:path, or add --status-public \(ERR_PREFORK_INVALID_ARG_VALUE\)\n$/,
      );
    },
  );

  test('goes by names of this machine alone: the page of a site whose name stands for it reads nothing.', async () => {
    const served = await start([]);
    const asked = (path: string, host: string) => ask(whereStatus(served), path, 'GET', { host });
    for (const host of ['localhost', '127.0.0.1:9100', '[::1]:9100', 'shop.localhost:80'])
      expect((await asked('/healthz', host)).status).toBe(200);
    for (const path of ['/', '/events', '/metrics', '/page.js', '/healthz'])
      expect((await asked(path, 'evil.example')).status).toBe(403);
    expect(await served.stop()).toBe('status 0');
  });

  test('with --status-public may be any, and go by any name.', async () => {
    const served = await start(['--status-public'], ':0');
    const answer = await ask(whereStatus(served), '/healthz', 'GET', { host: 'status.example' });
    expect(answer).toEqual(plain(200, 'alive\n'));
    expect(await served.stop()).toBe('status 0');
  });

  test('that is taken is told of, and the service serves.', async () => {
    const other = createServer();
    await new Promise<void>((resolve) => other.listen(0, '127.0.0.1', resolve));
    const { port } = other.address() as { port: number };
    const served = await start([], `127.0.0.1:${port}`);
    expect(served.log).toContain(
      `The status is not served: Cannot listen on 127.0.0.1:${port}: the port is in use`,
    );
    expect(Number(await served.ask())).toBeGreaterThan(0);
    expect(await served.stop()).toBe('status 0');
    other.close();
  });

  test.skipIf(!isRoot)('is served as the user of the workers.', async () => {
    const args = [
      'app.js',
      '-w',
      '2',
      '--status',
      '127.0.0.1:0',
      '--user',
      String(NOBODY),
      '--group',
      String(NOBODY),
    ];
    const under = ['sh', '-c', 'chmod 755 .; exec "$@"', 'sh'];
    const served = await serve(args, { files: { 'app.js': APP }, until: /2 workers ready/, under });
    expect((await metrics(whereStatus(served))).get('prefork_workers_serving')).toBe(2);
    const [, ...others] = served.running.children();
    const attendant = others.find((pid) => !served.running.workers().includes(pid)) ?? 0;
    expect(readFileSync(`/proc/${attendant}/status`, 'latin1')).toMatch(
      new RegExp(`^Uid:(\\t${NOBODY}){4}$`, 'm'),
    );
    expect(await served.stop()).toBe('status 0');
  });
});
