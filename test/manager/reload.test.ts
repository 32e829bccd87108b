/** SIGHUP puts the files as they are now into service, or leaves everything as it was; no request is lost either way. */
import { readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { connect } from 'node:net';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { events } from '../helpers/events';
import { eventually } from '../helpers/eventually';
import { get, Load } from '../helpers/manager';
import { freePort } from '../helpers/port';
import { serve as start } from '../helpers/served';
import { ROOT } from '../helpers/stdin';

const INDEX = join(ROOT, 'dist', 'index.js');

const NEVER_LISTENS = 'setInterval(() => {}, 1000)';

/** An application that answers with its version, and how it is put into the folder. */
function version(number: number | string, port: number, more = ''): string {
  return `
    const { createServer } = require('node:http');
    createServer((_, response) => response.end('version ${number}')).listen(${port}, '127.0.0.1');
    ${more}`;
}

/** A `prefork` whose application can be changed. */
async function serve(options: string[] = []) {
  const port = freePort();
  const args = ['app.js', '-w', '2', '--log-format', 'json', ...options];
  const served = await start(args, { files: { 'app.js': version(1, port) }, until: /"2 workers ready"/ });
  const { running } = served;
  return {
    port,
    running,
    folder: served.folder,
    ...events(running),
    pid: running.pid,
    change: (source: string) => writeFileSync(join(served.folder, 'app.js'), source),
    hangUp: () => running.kill('SIGHUP'),
    asleep: () => running.asleep(),
    ask: () => get({ port }),
    stop: () => served.stop(),
  };
}

function childrenOf(pid: number): number[] {
  return readFileSync(`/proc/${pid}/task/${pid}/children`, 'latin1').split(' ').filter(Boolean).map(Number);
}

function descriptorsOf(pid: number): number {
  return readdirSync(`/proc/${pid}/fd`).length;
}

function isRefused(port: number, host: string): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect(port, host, () => {
      socket.destroy();
      resolve(false);
    }).on('error', ({ code }: NodeJS.ErrnoException) => resolve(code === 'ECONNREFUSED'));
  });
}

describe('SIGHUP', () => {
  test('puts changed code into service: under load nothing is lost, and nothing of the old is left.', async () => {
    const { port, pid, until, change, hangUp, ask, stop } = await serve();
    const load = new Load(port);
    for (let number = 2; number <= 5; number++) {
      change(version(number, port));
      hangUp();
      await until('replaced_all', number - 1);
      await eventually(() => childrenOf(pid).length === 3); // two workers and a template: the old ones have gone
      const answers = await Promise.all(Array.from({ length: 20 }, ask));
      expect(new Set(answers)).toEqual(new Set([`version ${number}`]));
    }
    await load.stop();
    expect(load.errors).toEqual([]);
    expect(load.answered).toBeGreaterThan(100);
    expect(await stop()).toBe('status 0');
  });

  test.each([
    ['does not parse', 'this is no JavaScript', /exited with status 1 before it listened/],
    ['throws', "throw new Error('no such table')", /exited with status 1 before it listened/],
    ['exits', 'process.exit(0)', /exited with status 1 before it listened/],
    ['never listens', '', /exited with status 1 before it listened/],
    ['never comes to listen', NEVER_LISTENS, /exited with status 1 before it listened/],
    ['kills itself', "process.kill(process.pid, 'SIGKILL')", /was killed by SIGKILL before it listened/],
    ['crashes when it listens', 'crashes', /worker 0 of it exited with status 1 before it was ready/],
  ])('with code that %s leaves the old one in service, and says why.', async (_, source, why) => {
    // Which the mended one has to keep, too.
    const options = source === NEVER_LISTENS ? ['--boot-timeout', '3s'] : [];
    const { port, pid, heard, until, change, hangUp, ask, stop } = await serve(options);
    const load = new Load(port);
    const before = childrenOf(pid);
    change(
      source === 'crashes' ? version(2, port, "process.nextTick(() => { throw new Error('no'); });") : source,
    );
    hangUp();
    expect(await until('replacement_refused')).toMatch(why);
    await eventually(() => childrenOf(pid).length === before.length);
    expect(childrenOf(pid)).toEqual(before);
    expect(await ask()).toBe('version 1');
    // Mended, it is taken.
    change(version(3, port));
    hangUp();
    await until('replaced_all');
    await eventually(async () => (await ask()) === 'version 3');
    await load.stop();
    expect(load.errors).toEqual([]);
    expect(heard('worker_crashed')).toEqual([]);
    expect(await stop()).toBe('status 0');
  });

  test('binds addresses that the new code adds, and closes those that it drops.', async () => {
    const { port, until, change, hangUp, stop } = await serve();
    const second = freePort();
    const listens = `createServer((_, response) => response.end('second')).listen(${second}, '127.0.0.1');`;
    change(version(2, port, listens));
    hangUp();
    expect(await until('listening_started', 2)).toBe(`Listening on 127.0.0.1:${second}, too`);
    await until('replaced_all');
    expect(await get({ port: second })).toBe('second');
    expect(await isRefused(second, '127.0.0.1')).toBe(false);
    change(version(3, port));
    hangUp();
    expect(await until('listening_ended')).toBe(`No longer listening on 127.0.0.1:${second}`);
    await eventually(() => isRefused(second, '127.0.0.1'));
    expect(await get({ port })).toBe('version 3');
    expect(await stop()).toBe('status 0');
  });

  test('reads the configuration anew, and refuses one that is wrong.', async () => {
    const config = 'prefork.config.json';
    const files = { 'app.js': version(1, 0), [config]: JSON.stringify({ workers: 1 }) };
    const served = await start(['app.js'], { files, until: /1 worker ready/ });
    const configure = (content: object) =>
      writeFileSync(join(served.folder, config), JSON.stringify(content));
    configure({ workers: 3 });
    served.running.kill('SIGHUP');
    await served.until(/Every worker has been replaced/);
    await eventually(() => served.running.workers().length === 3);
    configure({ workers: 'many' });
    served.running.kill('SIGHUP');
    await served.until(/for workers in prefork\.config\.json but received 'many'/);
    await served.until(
      /is not put into service: Expected an integer .* for workers in prefork\.config\.json/,
    );
    expect(served.running.workers()).toHaveLength(3);
    expect(await served.stop()).toBe('status 0');
  });

  test('is given up by SIGTERM while the new template warms up: nobody waits for it.', async () => {
    const { running, port, folder, change, hangUp, until } = await serve([
      '--title',
      'web',
      '--graceful-timeout',
      '1h',
    ]);
    // It has listened, and heeds no signal any more, when it takes its title again.
    const warming = `
      const { existsSync, writeSync } = require('node:fs');
      const never = new Int32Array(new SharedArrayBuffer(4));
      Object.defineProperty(process, 'title', {
        set() {
          writeSync(1, 'warming up\\n');
          while (!existsSync('go on')) Atomics.wait(never, 0, 0, 5);
        },
      });`;
    change(`${warming}\n${version(2, port)}`);
    hangUp();
    await running.until(/warming up/);
    running.kill('SIGTERM');
    await until('shutdown_started');
    writeFileSync(join(folder, 'go on'), '');
    expect(await running.exit()).toBe('status 0');
  });

  test('leaves nothing behind in the manager, however often.', async () => {
    const { pid, until, hangUp, asleep, stop } = await serve();
    const descriptors: number[] = [];
    for (let times = 1; times <= 15; times++) {
      hangUp();
      await until('replaced_all', times);
      await eventually(() => childrenOf(pid).length === 3);
      await asleep(); // it closes what was for talking to them when it has reaped them
      descriptors.push(descriptorsOf(pid));
    }
    expect(new Set(descriptors.slice(1)).size).toBe(1);
    expect(await stop()).toBe('status 0');
  });

  test('again while the application is loaded takes the files as they were last.', async () => {
    const { port, until, change, hangUp, ask, stop } = await serve();
    change(NEVER_LISTENS);
    hangUp();
    await until('replacement_started');
    change(version(3, port));
    hangUp();
    await until('replaced_all');
    await eventually(async () => (await ask()) === 'version 3');
    expect(await stop()).toBe('status 0');
  });
});

test('A template that is killed is made anew, and no worker with it.', async () => {
  const { pid, until, ask, stop } = await serve();
  const [template = 0] = childrenOf(pid).filter((pid) =>
    /: template/.test(readFileSync(`/proc/${pid}/cmdline`, 'latin1')),
  );
  process.kill(template, 'SIGKILL');
  expect(await until('template_lost')).toMatch(/was killed by SIGKILL: loading the application anew/);
  expect(await ask()).toBe('version 1');
  await until('replaced_all');
  expect(await ask()).toBe('version 1');
  expect(await stop()).toBe('status 0');
});

test('A worker whose template was killed before it could tell of it does not serve on.', async () => {
  const port = freePort();
  const killed = `
    const { unlinkSync } = require('node:fs');
    const afterInParent = () => {
      try {
        unlinkSync('once');
      } catch {
        return;
      }
      process.kill(process.pid, 'SIGKILL');
    };
    require(${JSON.stringify(INDEX)}).registerAtFork({ afterInParent });
    console.log('loaded');`;
  const app = killed + version(1, port).replace("'127.0.0.1')", "'127.0.0.1', () => console.log('serving'))");
  // Each is owed a worker, and none is to blame.
  const served = await start(['app.js', '-w', '4'], {
    files: { 'app.js': app, once: '' },
    until: /4 workers ready/,
  });
  expect(served.log).toMatch(/The template.* was killed by SIGKILL: loading the application anew/);
  const { running } = served;
  await served.until(/serving\n/, 5); // the forgotten one, too
  await eventually(() => running.children().length === 5);
  expect(running.workers()).toHaveLength(4);
  expect(await served.stop()).toBe('status 0');
});
