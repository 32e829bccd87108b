/** workerDetector of prefork/opentelemetry: what it finds is each worker's own, wherever the application is loaded. */
import { once } from 'node:events';
import { type AddressInfo, createServer } from 'node:net';
import { join } from 'node:path';
import { expect, onTestFinished, test } from 'vitest';
import { folderWith, program } from '../../helpers/command';
import { type Served, serve } from '../../helpers/served';
import { ROOT } from '../../helpers/stdin';

const FIND = `
  const { workerDetector } = require(${JSON.stringify(join(ROOT, 'dist', 'opentelemetry.js'))});
  const { attributes } = workerDetector.detect();
  const found = {};
  for (const [name, value] of Object.entries(attributes)) value.then((is) => { found[name] = is; });`;

const APP = `
  ${FIND}
  const before = Promise.race([attributes['process.pid'], new Promise((resolve) => setImmediate(resolve, 'pending'))]);
  const { createServer } = require('node:http');
  before.then((state) => {
    createServer((request, response) => {
      if (request.url === '/crash') process.exit(1);
      response.end(JSON.stringify({ found, pid: process.pid, manager: process.ppid, state }));
    }).listen(0, '127.0.0.1');
  });`;

const UUID = /^[\da-f]{8}(-[\da-f]{4}){3}-[\da-f]{12}$/;

interface Seen {
  found: Record<string, unknown>;
  pid: number;
  manager: number;
  state: unknown;
}

/** Of each worker one answer. */
async function seenByAll(served: Served, count: number): Promise<Seen[]> {
  const seen = new Map<number, Seen>();
  while (seen.size < count) {
    const one = JSON.parse(await served.ask()) as Seen;
    seen.set(one.pid, one);
  }
  return [...seen.values()];
}

test.each([['yes'], ['no']])(
  'With --preload %s each is an instance of its own, with its own pid.',
  async (preload) => {
    const args = ['app.js', '-w', '2', '--preload', preload];
    const served = await serve(args, { files: { 'app.js': APP }, until: /2 workers ready/ });
    const seen = await seenByAll(served, 2);
    for (const { found, pid, manager, state } of seen) {
      expect(found).toEqual({
        'service.instance.id': expect.stringMatching(UUID),
        'process.pid': pid,
        'process.parent_pid': manager,
        'prefork.worker.id': expect.any(Number),
        'prefork.worker.generation': 0,
      });
      expect(manager).toBe(served.running.pid);
      expect(state).toBe(preload === 'yes' ? 'pending' : pid);
    }
    expect(seen.map(({ found }) => found['prefork.worker.id']).sort()).toEqual([0, 1]);
    expect(new Set(seen.map(({ found }) => found['service.instance.id'])).size).toBe(2);
    expect(await served.stop()).toBe('status 0');
  },
);

test('In what is imported first, too; and where what is open cannot be shared, so that the process that has loaded is a worker.', async () => {
  const files = {
    'first.js': `${FIND} globalThis.found = found;`,
    'app.js': `
      require('node:net').connect(Number(process.env.DATABASE), '127.0.0.1', () => {
        require('node:http').createServer((_, response) => {
          response.end(JSON.stringify({ found: globalThis.found, pid: process.pid, manager: process.ppid }));
        }).listen(0, '127.0.0.1');
      });`,
  };
  const database = createServer((socket) => socket.resume()).listen(0, '127.0.0.1');
  onTestFinished(() => {
    database.close();
  });
  await once(database, 'listening');
  const served = await serve(['--import', './first.js', 'app.js', '-w', '2'], {
    files,
    env: { DATABASE: String((database.address() as AddressInfo).port) },
    until: /2 workers ready/,
  });
  expect(served.log).toMatch(/cannot share/);
  for (const { found, pid } of await seenByAll(served, 2))
    expect(found).toMatchObject({ 'process.pid': pid });
  expect(await served.stop()).toBe('status 0');
});

test('Where no manager runs it is the process itself.', async () => {
  const app = `${FIND} setImmediate(() => console.log(JSON.stringify([found, process.pid, process.ppid])));`;
  const { stdout } = await program(process.execPath, ['app.js'], { cwd: folderWith({ 'app.js': app }) })
    .result;
  const [found, pid, parent] = JSON.parse(stdout);
  expect(found).toEqual({
    'service.instance.id': expect.stringMatching(UUID),
    'process.pid': pid,
    'process.parent_pid': parent,
  });
});
