/** What an application may have open when it begins to listen, and what becomes of it when workers cannot share that. */
import { readFileSync } from 'node:fs';
import { createServer as createHttpServer } from 'node:http';
import { type AddressInfo, createServer, type Server } from 'node:net';
import { join } from 'node:path';
import { describe, expect, onTestFinished, test } from 'vitest';
import { freePort } from '../../helpers/port';
import { type Served, serve } from '../../helpers/served';

function listening(server: Server): Promise<number> {
  onTestFinished(() => void server.close());
  return new Promise((resolve) =>
    server.listen(0, '127.0.0.1', () => resolve((server.address() as AddressInfo).port)),
  );
}

function start(source: string, preload: string, files: Record<string, string> = {}): Promise<Served> {
  return serve(['app.js', '-w', '2', '--preload', preload], { files: { ...files, 'app.js': source } });
}

const serves = (port: number) =>
  `require('node:http').createServer((_, response) => response.end('served')).listen(${port}, '127.0.0.1');`;

describe('Shared all the same:', () => {
  // The last request may have come to its end in this very tick.
  test.each([
    ['of fetch', "await (await fetch('http://127.0.0.1:OTHER/')).text();"],
    [
      'of http.get',
      `await new Promise((resolve) => require('node:http').get('http://127.0.0.1:OTHER/', (response) => {
        response.resume().on('end', resolve);
      }));`,
    ],
    [
      'of an agent',
      `const { Agent, get } = require('node:http');
      const agent = new Agent({ keepAlive: true });
      await new Promise((resolve) => get('http://127.0.0.1:OTHER/', { agent }, (response) => {
        response.resume().on('end', resolve);
      }));`,
    ],
  ])('a connection %s that waits for a next request, which opens another one.', async (_, asks) => {
    const configuration = createHttpServer((__, response) => response.end('settings'));
    const other = await listening(configuration);
    onTestFinished(() => configuration.closeAllConnections());
    const ask = asks.replaceAll('OTHER', String(other));
    const port = freePort();
    const source = `
      (async () => {
        ${ask}
        require('node:http').createServer(async (_, response) => {
          ${ask}
          response.end('asked again');
        }).listen(${port}, '127.0.0.1');
      })();`;
    const served = await start(source, 'yes');
    expect(await served.ask('/', { port })).toBe('asked again');
    expect(await served.stop()).toBe('status 0');
    expect(served.log).not.toMatch(/error|warning/);
  });

  test('a connection that has just been ended.', async () => {
    const port = freePort();
    const other = await listening(createServer((socket) => socket.on('error', () => {}).resume()));
    const source = `
      const socket = require('node:net').connect(${other}, '127.0.0.1', () => {
        // As a database driver does.
        socket.write('goodbye', () => socket.end());
        ${serves(port)}
      });`;
    const served = await start(source, 'yes');
    expect(await served.ask('/', { port })).toBe('served');
    expect(await served.stop()).toBe('status 0');
    expect(served.log).not.toMatch(/error|warning/);
  });

  test('what an asynchronous hook beforeFork closes.', async () => {
    const port = freePort();
    const other = await listening(createServer((socket) => socket.on('error', () => {}).resume()));
    const source = `
      global.socket = require('node:net').connect(${other}, '127.0.0.1', () => { ${serves(port)} });`;
    const config = `module.exports = { hooks: { async beforeFork() {
      await new Promise((resolve) => setImmediate(resolve));
      await new Promise((resolve) => global.socket.once('close', resolve).end());
    } } };`;
    const served = await start(source, 'yes', { 'prefork.config.js': config });
    expect(await served.ask('/', { port })).toBe('served');
    expect(await served.stop()).toBe('status 0');
    expect(served.log).not.toMatch(/error|warning/);
  });

  test('a child process that nobody talks to.', async () => {
    const port = freePort();
    const source = `
      const { spawn } = require('node:child_process');
      const sleeps = ['-e', 'setTimeout(() => {}, 60_000)'];
      const child = spawn(process.execPath, sleeps, { stdio: 'ignore' });
      child.unref();
      ${serves(port)}`;
    const served = await start(source, 'yes');
    expect(await served.stop()).toBe('status 0');
    expect(served.log).not.toMatch(/error|warning/);
  });
});

/** A helper that answers over pipes, or over IPC; who loads it leaves a mark. */
const HELPER = `
  if (process.send) process.on('message', (text) => process.send('echo ' + text)).on('disconnect', () => process.exit());
  else process.stdin.on('data', (text) => process.stdout.write('echo ' + text));`;

const HELPERS = {
  'over pipes': `
    const helper = spawn(process.execPath, ['helper.js'], { stdio: ['pipe', 'pipe', 'inherit'] });
    helper.unref();
    const ask = (done) => {
      helper.stdout.once('data', (text) => done(String(text)));
      helper.stdin.write('hello');
    };`,
  'over IPC': `
    const helper = fork('helper.js');
    const ask = (done) => {
      helper.once('message', done);
      helper.send('hello');
    };`,
};

describe.each(Object.entries(HELPERS))('A helper process that is talked to %s', (_, helper) => {
  const application = (port: number) => `
    const { fork, spawn } = require('node:child_process');
    require('node:fs').appendFileSync('loaded', 'x');
    ${helper}
    require('node:http').createServer((_, response) => ask((text) => response.end(text))).listen(${port}, '127.0.0.1');`;

  test('is each worker’s own, and the application is loaded as often as there are workers.', async () => {
    const port = freePort();
    const served = await start(application(port), 'auto', { 'helper.js': HELPER });
    const loads = () => readFileSync(join(served.folder, 'loaded'), 'utf8').length;
    expect(await served.ask('/', { port })).toBe('echo hello');
    expect(loads()).toBe(2);
    served.running.kill('SIGHUP');
    await served.until(/Every worker has been replaced/);
    expect(await served.ask('/', { port })).toBe('echo hello');
    expect(loads()).toBe(4);
    expect(await served.stop()).toBe('status 0');
    expect(served.log.match(/warning: .*\n.*\n.*/g)).toEqual([
      expect.stringMatching(
        /which workers cannot share:\n {2}- child process .*helper\.js .*\nEach worker now loads .* would save up to \d+ MB and [\d.]+ m?s of loading/,
      ),
    ]);
  });

  test('is refused with --preload yes.', async () => {
    const source = application(freePort());
    const failed = start(source, 'yes', { 'helper.js': HELPER });
    await expect(failed).rejects.toThrow(/opened helper processes before its server listens/);
  });
});
