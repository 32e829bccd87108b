/** Unmodified servers of the usual frameworks, in JavaScript and TypeScript, run with four workers. */
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { freePort } from '../helpers/port';
import { launch, type Served, type ServeOptions, serve } from '../helpers/served';
import { ROOT } from '../helpers/stdin';

const stripsTypes = Boolean((process.features as { typescript?: string | false }).typescript);

/** They listen by themselves. */
const SERVERS: Record<string, string> = {
  'plain.js': `
    const { createServer } = require('node:http');
    createServer((request, response) => response.end('pid ' + process.pid)).listen(0);`,
  'plain.mjs': `
    import { createServer } from 'node:http';
    import { readFile } from 'node:fs/promises';
    await readFile(new URL(import.meta.url));
    createServer((request, response) => response.end('pid ' + process.pid)).listen({ port: 0 });`,
  'express.js': `
    const app = require('express')();
    app.get('/', (request, response) => response.send('pid ' + process.pid));
    app.listen(0, () => {});`,
  'fastify.mjs': `
    import fastify from 'fastify';
    const app = fastify();
    app.get('/', async () => 'pid ' + process.pid);
    await app.listen({ port: 0, host: '127.0.0.1' });`,
  'koa.js': `
    const Koa = require('koa');
    new (Koa.default ?? Koa)().use((context) => { context.body = 'pid ' + process.pid; }).listen(0);`,
  'hono.mjs': `
    import { serve } from '@hono/node-server';
    import { Hono } from 'hono';
    const app = new Hono();
    app.get('/', (context) => context.text('pid ' + process.pid));
    serve({ fetch: app.fetch, port: 0 });`,
  'nest.js': `
    require('reflect-metadata');
    const { Controller, Get, Module } = require('@nestjs/common');
    const { NestFactory } = require('@nestjs/core');
    class Root { pid() { return 'pid ' + process.pid; } }
    Get()(Root.prototype, 'pid', Object.getOwnPropertyDescriptor(Root.prototype, 'pid'));
    Controller()(Root);
    class Application {}
    Module({ controllers: [Root] })(Application);
    (async () => {
      const app = await NestFactory.create(Application, { logger: false });
      await app.listen(0);
    })();`,
};

const TYPED = `
  import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
  const answer = (_: IncomingMessage, response: ServerResponse): void => { response.end('pid ' + process.pid); };
  createServer(answer).listen(0);`;

const NEST = `
  import 'reflect-metadata';
  import { Controller, Get, Module } from '@nestjs/common';
  import { NestFactory } from '@nestjs/core';
  @Controller()
  class Root {
    @Get()
    pid(): string { return 'pid ' + process.pid; }
  }
  @Module({ controllers: [Root] })
  class Application {}
  const app = await NestFactory.create(Application, { logger: false });
  await app.listen(0);`;

/** Answers come from workers, from more than one, and never from the parent; a TERM ends all of it. */
async function expectServed(served: Served, count = 4): Promise<void> {
  const workers = served.running.workers();
  expect(workers).toHaveLength(count);
  const seen = new Set<number>();
  while (seen.size < 2) seen.add(Number(/^pid (\d+)$/.exec(await served.ask())?.[1]));
  expect(workers).toEqual(expect.arrayContaining([...seen]));
  expect(await served.stop()).toBe('status 0');
}

const run = (name: string, content: string, options: ServeOptions = {}) =>
  serve([name, '--workers', '4'], { ...options, files: { ...options.files, [name]: content } });

describe('A server that listens by itself', () => {
  test.each(Object.entries(SERVERS))('%s', async (name, content) => {
    await expectServed(await run(name, content));
  });

  test.runIf(stripsTypes)('In TypeScript, read by Node', async () => {
    await expectServed(await run('server.mts', TYPED));
  });

  test('In TypeScript, with tsx', async () => {
    await expectServed(
      await serve(['server.mts', '-w', '4', '--import', 'tsx'], { files: { 'server.mts': TYPED } }),
    );
  });

  test('Nest in TypeScript, with tsx', async () => {
    const tsconfig = '{ "compilerOptions": { "experimentalDecorators": true } }';
    const files = { 'server.mts': NEST, 'tsconfig.json': tsconfig };
    await expectServed(await serve(['--import', 'tsx', 'server.mts', '-w', '4'], { files }));
  });

  test('node --import prefork/auto', async () => {
    const files = { 'server.js': SERVERS['plain.js'] ?? '', 'prefork.config.json': '{ "workers": 3 }' };
    const node = ['--import', join(ROOT, 'dist', 'auto.mjs')];
    await expectServed(await serve(['server.js'], { command: false, node, files }), 3);
  });

  test('Loaded with NODE_OPTIONS: what still reads files when the manager is about to fork.', async () => {
    const reads = `
      const { stat } = require('node:fs');
      let reads = 0;
      const again = () => { if (++reads < 1000) stat(__filename, again); };
      again();`;
    const files = { 'server.js': SERVERS['plain.js'] ?? '', 'reads.js': reads };
    const env = { NODE_OPTIONS: '--require ./reads.js' };
    await expectServed(await serve(['server.js', '-w', '4'], { files, env }));
  });

  test('A file without its extension, and a folder', async () => {
    const files = { 'app/index.js': SERVERS['plain.js'] ?? '', 'server.js': SERVERS['plain.js'] ?? '' };
    await expectServed(await serve(['server', '-w', '4'], { files }));
    await expectServed(await serve(['app', '-w', '4'], { files }));
  });

  test('It is the main module, and its arguments are its own.', async () => {
    const content = `
      if (require.main !== module) throw new Error('imported');
      require('node:http').createServer((_, response) => response.end('pid ' + process.pid)).listen(Number(process.argv[2]));`;
    await expectServed(await serve(['a.js', '-w', '4', '--', '0'], { files: { 'a.js': content } }));
  });
});

/** They only export something. */
const EXPORTS: Record<string, string> = {
  'a request listener (CommonJS)':
    "module.exports = (request, response) => response.end('pid ' + process.pid);",
  'a request listener (ES module)':
    "export default (request, response) => response.end('pid ' + process.pid);",
  'an http.Server': `
    exports.server = require('node:http').createServer((request, response) => response.end('pid ' + process.pid));`,
  'an Express app': `
    const app = require('express')();
    app.get('/', (request, response) => response.send('pid ' + process.pid));
    module.exports = { app };`,
  'a Fastify app': `
    const app = require('fastify').default();
    app.get('/', async () => 'pid ' + process.pid);
    module.exports = app;`,
  'a Koa app': `
    const Koa = require('koa');
    module.exports = new (Koa.default ?? Koa)().use((context) => { context.body = 'pid ' + process.pid; });`,
  'a Hono app': `
    import { Hono } from 'hono';
    const app = new Hono();
    app.get('/', (context) => context.text('pid ' + process.pid));
    export default app;`,
  'a promise of an app': `
    module.exports = Promise.resolve((request, response) => response.end('pid ' + process.pid));`,
};

describe('A module that exports', () => {
  test.each(Object.entries(EXPORTS))('%s', async (_, content) => {
    const name = /^\s*(import|export) /m.test(content) ? 'app.mjs' : 'app.js';
    await expectServed(
      await serve([name, '-w', '4', '--bind', '127.0.0.1:0'], { files: { [name]: content } }),
    );
  });

  test('a Nest application', async () => {
    const content = (SERVERS['nest.js'] ?? '')
      .replace('(async', 'module.exports = (async')
      .replace('await app.listen(0)', 'return app');
    await expectServed(await serve(['app.js', '-w', '4', '-b', ':0'], { files: { 'app.js': content } }));
  });

  test('an app, served on PORT when it does not listen by itself', async () => {
    const files = { 'app.js': EXPORTS['a request listener (CommonJS)'] ?? '' };
    await expectServed(await serve(['app.js', '-w', '4'], { files, env: { PORT: '0' } }));
  });

  test('an app, but listens by itself, later: PORT does not come before it', async () => {
    const content = `
      const server = require('node:http').createServer((request, response) => response.end('pid ' + process.pid));
      setTimeout(() => server.listen(0, '127.0.0.1'), 200);
      module.exports = () => { throw new Error('not this one'); };`;
    await expectServed(
      await serve(['app.js', '-w', '4'], { files: { 'app.js': content }, env: { PORT: '1' } }),
    );
  });
});

describe('What the application does beside it', () => {
  test('It listens on a second port and on a path: all workers serve all of it.', async () => {
    const content = `
      const { createServer } = require('node:http');
      const answer = (request, response) => response.end('pid ' + process.pid);
      const port = ${freePort()};
      createServer(answer).listen(port, '127.0.0.1');
      createServer(answer).listen(port, '127.0.0.2');
      createServer(answer).listen('second.sock');`;
    const served = await serve(['a.js', '-w', '2'], { files: { 'a.js': content } });
    expect(served.log).toMatch(/Listening on 127\.0\.0\.2:\d+, too\n/);
    expect(served.log).toMatch(/Listening on unix:second\.sock, too\n/);
    for (const where of [{}, { host: '127.0.0.2' }, { socketPath: join(served.folder, 'second.sock') }]) {
      const seen = new Set<string>();
      while (seen.size < 2) seen.add(await served.ask('/', where));
    }
    expect(await served.stop()).toBe('status 0');
  });

  describe('It has a connection open before it listens', () => {
    /** It listens when it is connected to another process, and answers with its own end of that connection. */
    async function connected(...options: string[]) {
      const database =
        "require('node:net').createServer(() => {}).listen(0, '127.0.0.1', function () { console.log('db=' + this.address().port) })";
      const other = launch(['-e', database], { command: false });
      await other.until(/db=\d+\n/);
      const [port] = other.running.numbers('db');
      const content = `
        console.log('loaded by ' + process.pid);
        const database = require('node:net').connect(${port}, '127.0.0.1', () => {
          const answer = () => JSON.stringify({ pid: process.pid, port: database.localPort });
          require('node:http').createServer((_, response) => response.end(answer())).listen(0, '127.0.0.1');
        });`;
      return { port, content, args: ['a.js', '-w', '2', ...options] };
    }

    test('--preload yes: it is refused, with the connection and what to do.', async () => {
      const { port, content, args } = await connected('--preload', 'yes');
      const served = launch(args, { files: { 'a.js': content } });
      expect(await served.running.exit()).toBe('status 1');
      expect(served.log).toMatch(
        new RegExp(`opened connections before its server listens.*\n  - socket .* -> 127.0.0.1:${port}`),
      );
      expect(served.log).toMatch(/Open them in each worker: in the hook afterFork/);
    });

    test.each(['auto', 'no'])(
      '--preload %s: each worker has its own, and nothing is loaded more often than there are workers.',
      async (preload) => {
        const { port, content, args } = await connected('--preload', preload);
        const served = await serve(args, { files: { 'a.js': content }, until: /2 workers ready/ });
        const ports = new Map<number, number>();
        while (ports.size < 2) {
          const { pid, port: own } = JSON.parse(await served.ask('/'));
          ports.set(pid, own);
        }
        expect([...ports.keys()].sort()).toEqual(served.running.workers().sort());
        expect(new Set(ports.values()).size).toBe(2);
        expect(served.running.children().sort()).toEqual([...ports.keys()].sort()); // there is no template
        const said = new RegExp(`workers cannot share:\n  - socket .* -> 127.0.0.1:${port}`);
        expect(said.test(served.log)).toBe(preload === 'auto');

        served.running.kill('SIGHUP');
        await served.until(/Every worker has been replaced/);
        expect(await served.stop()).toBe('status 0');
        // What a process has printed can be read later than what another one has logged: all of it, when both have ended.
        const loaded = [...served.running.stdout.matchAll(/loaded by (\d+)/g)].map(([, pid]) => Number(pid));
        expect(loaded.slice(0, 2).sort()).toEqual([...ports.keys()].sort());
        expect(loaded).toHaveLength(4);
      },
    );
  });

  test('What a hook afterInParent throws is logged once for each fork, and no worker hears of it.', async () => {
    const content = `
      require(${JSON.stringify(ROOT)}).registerAtFork({ afterInParent() { throw new Error('of the hook'); } });
      require('node:http').createServer((request, response) => response.end('pid ' + process.pid)).listen(0);`;
    const served = await serve(['a.js', '-w', '3'], { files: { 'a.js': content } });
    const [pid = 0] = served.running.workers();
    process.kill(pid, 'SIGKILL');
    // Forked when three errors had been thrown, which it would inherit.
    await served.until(/A hook of registerAtFork, afterInParent, threw: Error: of the hook/, 4);
    const others = new Set<string>();
    while (others.size < 3) others.add(await served.ask('/'));
    expect(others).not.toContain(`pid ${pid}`);
    expect(await served.stop()).toBe('status 0');
    expect(served.log.match(/of the hook/g)).toHaveLength(4);
    expect(served.log).not.toMatch(/exited with|crash/i);
  });

  test('The port is in use: the message says so, and the status is 1.', async () => {
    const first = await serve(['a.js', '-w', '1'], { files: { 'a.js': SERVERS['plain.js'] ?? '' } });
    const [port] = first.ports;
    const content = `require('node:http').createServer().listen(${port})`;
    const second = launch(['a.js'], { files: { 'a.js': content } });
    expect(await second.running.exit()).toBe('status 1');
    expect(second.log).toMatch(/the port is in use: stop the process that has it \(ss -ltnp shows which\)/);
    expect(second.log.match(/ error: /g)).toHaveLength(1);
  });
});
