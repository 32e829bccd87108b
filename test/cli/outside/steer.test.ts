/** `prefork scale`, `stop` and `logs-reopen` end when it is so, and not before. */
import { readFileSync, renameSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setImmediate } from 'node:timers/promises';
import { describe, expect, test } from 'vitest';
import { prefork } from '../../helpers/command';
import { openFilesOf } from '../../helpers/proc';
import type { Program } from '../../helpers/run';
import { launch, type Served, serve } from '../../helpers/served';

/** What waits is answered when there is a file `go`. */
const APP = `
  const { createServer } = require('node:http');
  const { existsSync } = require('node:fs');
  createServer((request, response) => {
    if (request.url !== '/wait') {
      console.log(request.url);
      return response.end(String(process.pid));
    }
    console.log('worker ' + process.env.PREFORK_WORKER + ' waits');
    const timer = setInterval(() => {
      if (!existsSync('go')) return;
      clearInterval(timer);
      response.end('done');
    }, 10);
  }).listen(0, '127.0.0.1');`;

function start(workers: number, options: string[] = [], under: string[] = []): Promise<Served> {
  const until = new RegExp(`${workers} workers? ready`);
  const args = ['app.js', '-w', String(workers), ...options];
  return serve(args, { files: { 'app.js': APP }, until, under });
}

function go({ folder }: Served): void {
  writeFileSync(join(folder, 'go'), '');
}

function order({ running, folder }: Served, command: string, ...args: string[]) {
  return prefork(folder, [command, String(running.pid), ...args]);
}

async function outcome(served: Served, command: string, ...args: string[]) {
  const { status, stdout, stderr } = await order(served, command, ...args).result;
  return { status, stdout, stderr };
}

/** Until the command looks into a manager. */
async function hasFound({ pid }: Program): Promise<void> {
  while (!openFilesOf(pid).some((name) => name.startsWith('/memfd:prefork-manager'))) await setImmediate();
}

const done = (stdout: string) => ({ status: 0, stdout, stderr: '' });
const refused = (stderr: string) => ({ status: 1, stdout: '', stderr });

/** Requests that wait, until worker `id` has one of them. */
async function holdUp(served: Served, id: number): Promise<Promise<string>[]> {
  const requests: Promise<string>[] = [];
  while (!served.running.stdout.includes(`worker ${id} waits`)) {
    requests.push(served.ask('/wait'));
    await served.until(/worker \d waits/, requests.length);
  }
  return requests;
}

const IN_LOADING = 'setInterval(() => {}, 1000); console.log("runs")';

async function launchLoading(): Promise<Served> {
  const served = launch(['app.js'], { files: { 'app.js': IN_LOADING } });
  await served.until(/runs\n/);
  return served;
}

describe('prefork scale', () => {
  test('So many, so many more, so many fewer, as many as before: when it ends there are so many.', async () => {
    const served = await start(1);
    for (const [change, count, said] of [
      ['4', 4, '4 workers instead of 1\n'],
      ['+2', 6, '6 workers instead of 4\n'],
      ['-3', 3, '3 workers instead of 6\n'],
      ['3', 3, '3 workers, as before\n'],
      ['1', 1, '1 worker instead of 3\n'],
    ] as const) {
      expect(await outcome(served, 'scale', change)).toEqual(done(said));
      expect(served.running.workers()).toHaveLength(count);
    }
    expect(await served.stop()).toBe('status 0');
  });

  test('A number that there cannot be changes nothing.', async () => {
    const served = await start(2);
    for (const [change, total] of [
      ['0', 0],
      ['-2', 0],
      ['1025', 1025],
      ['+1023', 1025],
    ] as const) {
      expect(await outcome(served, 'scale', change)).toEqual(
        refused(
          `prefork: Expected 1 to 1024 workers but received ${change}, which makes ${total} of 2. ` +
            'The last worker stays: to end them all, use prefork stop (ERR_PREFORK_OUT_OF_RANGE)\n',
        ),
      );
    }
    for (const change of ['many', '1.5', '+', '1e3', '']) {
      expect(await outcome(served, 'scale', change)).toEqual(
        refused(
          `prefork: Expected a number of workers, such as 4, +1 or -1, but received '${change}' (ERR_PREFORK_INVALID_ARG_VALUE)\n`,
        ),
      );
    }
    expect(served.log).not.toMatch(/SIGTT/);
    expect(await served.stop()).toBe('status 0');
  });

  test('The worker that is too many answers first, and is waited for.', async () => {
    const served = await start(2);
    const requests = await holdUp(served, 1);
    const scaling = order(served, 'scale', '1', '--timeout', '1s');
    expect(await scaling.result).toMatchObject({
      status: 1,
      stderr: `prefork: Waited 1 s for 1 worker: 1 ready, 1 not; process ${served.running.pid} goes on with it (ERR_PREFORK_TIMEOUT)\n`,
    });
    go(served);
    expect(new Set(await Promise.all(requests))).toEqual(new Set(['done']));
    expect(await outcome(served, 'scale', '1')).toEqual(done('1 worker, as before\n'));
    expect(served.running.workers()).toHaveLength(1);
    expect(await served.stop()).toBe('status 0');
  });

  test('Two at once, one up and one down: both end, with what they asked for or with the number that it is.', async () => {
    const served = await start(4);
    const both = await Promise.all([outcome(served, 'scale', '+3'), outcome(served, 'scale', '-1')]);
    for (const { status, stdout, stderr } of both) {
      expect([status, stdout + stderr].join(' ')).toMatch(
        /^0 \d workers instead of \d\n$|^1 prefork: Somebody else has changed the number of workers, too: it is \d now\n$/,
      );
    }
    await served.running.asleep(); // it does so, then it says so
    const added = served.log.match(/SIGTTIN/g)?.length ?? 0;
    const removed = served.log.match(/SIGTTOU/g)?.length ?? 0;
    expect(await outcome(served, 'scale', '+0')).toEqual(done(`${4 + added - removed} workers, as before\n`));
    expect(served.running.workers()).toHaveLength(4 + added - removed);
    expect(await served.stop()).toBe('status 0');
  });

  test('A service that is still loading is not scaled.', async () => {
    const served = await launchLoading();
    const { pid } = served.running;
    expect(await outcome(served, 'scale', '+1')).toEqual(
      refused(`prefork: Process ${pid} is still loading its application: scale it when it serves\n`),
    );
    await served.stop();
  });
});

describe('prefork stop', () => {
  test('It ends when the manager has: requests are answered first.', async () => {
    const served = await start(2, ['--graceful-timeout', '50s']);
    const request = served.ask('/wait');
    await served.until(/worker \d waits/);
    const stopping = order(served, 'stop');
    await served.until(/SIGTERM/);
    go(served);
    expect(await request).toBe('done');
    const { status, stdout, stderr } = await stopping.result;
    expect({ status, stderr }).toEqual({ status: 0, stderr: '' });
    expect(stdout).toMatch(new RegExp(`^Process ${served.running.pid} has ended after \\d+ m?s\n$`));
    expect(await served.running.exit()).toBe('status 0');
  });

  test('With --timeout it gives up waiting; with --now nobody is waited for; both may be told of one end.', async () => {
    const served = await start(2, ['--graceful-timeout', '50s']);
    const { pid } = served.running;
    const request = served.ask('/wait').catch(() => 'cut');
    await served.until(/worker \d waits/);
    expect(await outcome(served, 'stop', '--timeout', '300ms')).toEqual(
      refused(`prefork: Waited 300 ms for its end; process ${pid} goes on with it (ERR_PREFORK_TIMEOUT)\n`),
    );
    const waiting = order(served, 'stop');
    await hasFound(waiting); // or it might begin when there is nobody to wait for
    expect(await outcome(served, 'reload')).toEqual(refused(`prefork: Process ${pid} is ending\n`));
    expect(await outcome(served, 'stop', '--now')).toMatchObject({ status: 0 });
    expect(await request).toBe('cut');
    expect(await waiting.result).toMatchObject({ status: 0 });
    expect(await served.running.exit()).toBe('status 0');
  });

  test('Also of a service that is still loading.', async () => {
    const served = await launchLoading();
    expect(await outcome(served, 'stop')).toMatchObject({ status: 0, stderr: '' });
  });
});

describe('prefork logs-reopen', () => {
  test('When it ends, no worker writes to the old file any more.', async () => {
    const served = await start(4, [], ['sh', '-c', 'exec "$@" >>app.log', 'sh']);
    const log = join(served.folder, 'app.log');
    for (let rotation = 0; rotation < 3; rotation++) {
      const old = join(served.folder, `app.log.${rotation}`);
      renameSync(log, old);
      expect(await outcome(served, 'logs-reopen')).toEqual(
        done('Every process has opened its log files anew\n'),
      );
      const before = readFileSync(old, 'utf8');
      const pids = new Set<string>();
      while (pids.size < 4) pids.add(await served.ask(`/${rotation}`));
      expect(readFileSync(old, 'utf8')).toBe(before);
      expect(readFileSync(log, 'utf8')).toMatch(new RegExp(`^(/${rotation}\n){4,}$`));
    }
    expect(await served.stop()).toBe('status 0');
  });

  test('A worker that does not turn its loop is waited for by name.', async () => {
    const served = await start(2);
    const [, second = 0] = served.running.workers();
    process.kill(second, 'SIGSTOP');
    expect(await outcome(served, 'logs-reopen', '--timeout', '4s')).toEqual(
      refused(
        `prefork: Waited 4 s for worker 1 to open its log files; process ${served.running.pid} goes on with it (ERR_PREFORK_TIMEOUT)\n`,
      ),
    );
    process.kill(second, 'SIGCONT');
    expect(await outcome(served, 'logs-reopen')).toEqual(
      done('Every process has opened its log files anew\n'),
    );
    expect(await served.stop()).toBe('status 0');
  });
});
