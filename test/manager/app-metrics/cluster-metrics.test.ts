/** The application's metrics over all workers, whoever is asked: nothing is counted twice, and nothing that was seen is lost. */
import { join } from 'node:path';
import { expect, onTestFinished, test } from 'vitest';
import { Program } from '../../helpers/run';
import { type Served, serve } from '../../helpers/served';
import { ROOT } from '../../helpers/stdin';

const PROM_CLIENT = join(ROOT, 'node_modules', 'prom-client');
const APP = `
  const { createServer } = require('node:http');
  const client = require(${JSON.stringify(PROM_CLIENT)});
  const { clusterMetrics, setRegistries } = require(${JSON.stringify(join(ROOT, 'dist', 'metrics.js'))});
  const { fork, waitpidAsync, WEXITSTATUS, _exit } = require(${JSON.stringify(join(ROOT, 'dist', 'index.js'))});
  client.collectDefaultMetrics();
  setRegistries(client.register);
  const hits = new client.Counter({ name: 'hits_total', help: 'Hits.', labelNames: ['when'] });
  const seconds = new client.Histogram({ name: 'seconds', help: 'Seconds.', buckets: [1, 2] });
  const sizes = new client.Summary({ name: 'sizes', help: 'Sizes.' });
  const largest = new client.Gauge({ name: 'largest', help: 'Largest.', aggregator: 'max' });
  const open = new client.Gauge({ name: 'open', help: 'Open.' });
  const claims = new client.Counter({ name: 'prefork_requests_total', help: 'No.' });
  hits.inc({ when: 'loading' }, 1000);
  open.set(1);
  const routes = {
    '/metrics': () => clusterMetrics(),
    '/own': () => client.register.metrics(),
    '/hit': () => {
      hits.inc({ when: 'asked' });
      claims.inc(1000);
      seconds.observe(1.5);
      sizes.observe(10);
      largest.set(process.pid);
      return process.pid;
    },
    '/child': async () => {
      const pid = fork();
      if (pid !== 0) return WEXITSTATUS((await waitpidAsync(pid))[1]);
      hits.inc({ when: 'asked' }, 1000);
      const text = await clusterMetrics();
      _exit(text.includes('hits_total{when="asked"} 1010\\n') ? 7 : 8);
    },
    '/block': () => { for (;;); },
  };
  createServer(async ({ url }, response) => {
    try { response.end(String(await routes[url]())); }
    catch (error) { response.end(error.stack); }
  }).listen(0, '127.0.0.1');
`;

function start(options: string[] = [], workers = 3): Promise<Served> {
  const args = ['app.js', '-w', String(workers), '--status', '127.0.0.1:0', ...options];
  return serve(args, { files: { 'app.js': APP }, until: /\d workers? ready/ });
}

/** What one who scrapes sees, now of the application and now of the attendant: what it has counted never goes back. */
class Scraper {
  readonly #served: Served;
  readonly #status: number;
  readonly #seen = new Map<string, number>();
  #turn = 0;

  constructor(served: Served) {
    this.#served = served;
    this.#status = Number(/The status is served on .*:(\d+)/.exec(served.log)?.[1]);
  }

  async look(): Promise<Map<string, number>> {
    const isOfAttendant = this.#turn++ % 2 === 1;
    const text = await this.#served.ask('/metrics', isOfAttendant ? { port: this.#status } : {});
    const samples = text.split('\n').filter((line) => line !== '' && !line.startsWith('#'));
    const now = new Map(samples.map((line) => [line.replace(/ \S+$/, ''), Number(line.split(' ').at(-1))]));
    expect(now.size, text).toBeGreaterThan(10);
    for (const [name, value] of now) {
      if (!/^(hits|process_cpu|seconds)|_count$/.test(name) || name.startsWith('prefork_')) continue;
      expect(value, `${name}\n${text}`).toBeGreaterThanOrEqual(this.#seen.get(name) ?? 0);
      this.#seen.set(name, value);
    }
    return now;
  }

  /** Until both say so. */
  async until(expected: Record<string, number>): Promise<void> {
    const holds = (now: Map<string, number>) =>
      Object.entries(expected).every(([name, value]) => now.get(name) === value);
    for (let times = 0; times < 2; ) times = holds(await this.look()) ? times + 1 : 0;
  }
}

const all = (hits: number) => ({
  'hits_total{when="asked"}': hits,
  'hits_total{when="loading"}': 0,
  'seconds_bucket{le="1"}': 0,
  'seconds_bucket{le="2"}': hits,
  seconds_sum: 1.5 * hits,
  seconds_count: hits,
  sizes_sum: 10 * hits,
  sizes_count: hits,
});

async function hit(served: Served, times: number): Promise<number[]> {
  const pids: number[] = [];
  for (let i = 0; i < times; i++) pids.push(Number(await served.ask('/hit')));
  return pids;
}

test('Any worker answers for all, and so does the attendant; what those have counted that were killed or replaced stays.', async () => {
  const served = await start();
  const scraper = new Scraper(served);
  const pids = await hit(served, 20);
  await scraper.until({ ...all(20), open: 3, largest: Math.max(...pids) });

  process.kill(pids[0] ?? 0, 'SIGKILL');
  await served.until(/Worker \d \(pid \d+\) started/, 4);
  await scraper.until({ ...all(20), open: 3 });

  await hit(served, 5);
  served.running.kill('SIGHUP');
  await served.until(/Every worker has been replaced/);
  await scraper.until({ ...all(25), open: 3 });

  served.running.kill('SIGTTOU');
  await scraper.until({ ...all(25), open: 2 });
  await hit(served, 5);
  served.running.kill('SIGTTIN');
  await scraper.until({ ...all(30), open: 3 });
  expect(await served.stop()).toBe('status 0');
});

test('Another program that takes the manager over goes on with what was counted.', async () => {
  const served = await start();
  const scraper = new Scraper(served);
  await hit(served, 10);
  served.running.kill('SIGUSR2');
  await served.until(/Every worker has been replaced/);
  await hit(served, 5);
  await scraper.until({ ...all(15), open: 3 });
  expect(await served.stop()).toBe('status 0');
});

test('A child that a worker forks counts for itself alone.', async () => {
  const served = await start([], 1);
  await hit(served, 10);
  expect(await served.ask('/child')).toBe('7');
  await new Scraper(served).until({ ...all(10), open: 1 });
  expect(await served.stop()).toBe('status 0');
});

test('A worker whose event loop stands still counts with what it answered last.', async () => {
  const served = await start(['--hang-timeout', '0']);
  const scraper = new Scraper(served);
  await hit(served, 10);
  await scraper.until({ ...all(10), open: 3 });
  const blocked = served.ask('/block');
  blocked.catch(() => {});
  const status = Number(/The status is served on .*:(\d+)/.exec(served.log)?.[1]);
  const isBlocked = async () =>
    /^prefork_workers_serving 2$/m.test(await served.ask('/metrics', { port: status }));
  while (!(await isBlocked()));
  const text = await served.ask('/metrics', { port: status });
  expect(text).toContain('hits_total{when="asked"} 10\n');
  expect(text).toContain('open 3\n');
});

test('What the manager counts is nothing that a worker could add to.', async () => {
  const served = await start();
  await hit(served, 1);
  await new Scraper(served).until(all(1));
  expect(await served.ask('/metrics')).toContain('prefork_requests_total 1000\n');
  const status = Number(/The status is served on .*:(\d+)/.exec(served.log)?.[1]);
  const now = await served.ask('/metrics', { port: status });
  expect(Number(/^prefork_requests_total (\d+)$/m.exec(now)?.[1])).toBeLessThan(100);
  expect(await served.stop()).toBe('status 0');
});

test('With one load per worker it is the same.', async () => {
  const served = await start(['--preload', 'no']);
  await hit(served, 20);
  const { 'hits_total{when="loading"}': _, ...counted } = all(20);
  await new Scraper(served).until({ ...counted, open: 3 });
  expect(await served.stop()).toBe('status 0');
});

test('Where no manager runs these are the metrics of the process.', async () => {
  const program = `
    const { Counter, Gauge, Registry, register } = require('prom-client');
    const { clusterMetrics, setRegistries } = require('./dist/metrics.js');
    new Counter({ name: 'a_total', help: 'A.' }).inc(5);
    const one = new Registry();
    const other = new Registry();
    new Gauge({ name: 'b', help: 'B.', registers: [one, other] }).set(2);
    (async () => {
      console.log((await clusterMetrics()) === (await register.metrics()));
      setRegistries([one, other]);
      console.log(await clusterMetrics());
      for (const wrong of [undefined, {}, []]) try { setRegistries(wrong); } catch (error) { console.log(error.message); }
    })();
  `;
  const running = new Program(process.execPath, ['-e', program], { cwd: ROOT });
  onTestFinished(() => running.killGroup());
  const { stdout, stderr } = await running.result;
  expect(stderr).toBe('');
  expect(stdout).toMatchInlineSnapshot(`
    "true
    # HELP b B.
    # TYPE b gauge
    b 4

    Expected a registry of prom-client, or an array of them for registries but received undefined
    Expected a registry of prom-client, or an array of them for registries but received an instance of Object
    Expected a registry of prom-client, or an array of them for registries but received an instance of Array
    "
  `);
});
