/** Without the addon the command runs the application in its own process, and says what has no effect there. */
import { cpSync, mkdirSync, realpathSync, symlinkSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { type Files, folderWith, program } from '../helpers/command';
import { get } from '../helpers/manager';
import { freePort } from '../helpers/port';
import type { Program } from '../helpers/run';
import { ROOT } from '../helpers/stdin';

/** A folder with the package as on a system for which there is no binary. */
function folderWithoutAddon(files: Files): string {
  const folder = realpathSync(folderWith(files, { packages: false }));
  const copy = join(folder, 'node_modules', 'prefork');
  mkdirSync(copy, { recursive: true });
  for (const name of ['package.json', 'dist'])
    cpSync(join(ROOT, name), join(copy, name), { recursive: true });
  for (const name of ['commander', 'node-gyp-build'])
    symlinkSync(join(ROOT, 'node_modules', name), join(folder, 'node_modules', name));
  return folder;
}

function prefork(files: Files, args: string[], env: Record<string, string> = {}): Program {
  const cwd = folderWithoutAddon(files);
  return program(process.execPath, [join(cwd, 'node_modules/prefork/dist/cli/main.js'), ...args], {
    cwd,
    env,
  });
}

const SERVER = `
  const { worker } = require('prefork');
  const { NODE_APP_INSTANCE, PREFORK_WORKER } = process.env;
  const answer = JSON.stringify({ pid: process.pid, worker: worker(), NODE_APP_INSTANCE, PREFORK_WORKER, args: process.argv.slice(2) });
  require('node:http').createServer((_, response) => response.end(answer)).listen(1, () => console.log('listens'));`;

test('The application runs there, at the addresses of --bind, and what has no effect is named.', async () => {
  const [port, socket] = [freePort(), 'http.sock'];
  const config = `module.exports = { maxRequests: 10, hooks: { afterFork: ({ id }) => console.log('hook', id), workerExit() {} } };`;
  const bind = `127.0.0.1:${port},unix:${socket}`;
  const args = ['server.js', '-w', '3', '--balanced', '--rehearse', '/', '--bind', bind, '--', '-x'];
  const running = prefork({ 'server.js': SERVER, 'prefork.config.js': config }, args);
  expect(await running.line()).toBe('hook 0');
  expect(await running.line()).toBe('listens');
  const expected = {
    pid: running.pid,
    worker: null,
    NODE_APP_INSTANCE: '0',
    PREFORK_WORKER: '0',
    args: ['-x'],
  };
  expect(JSON.parse(await get({ port }))).toEqual(expected);
  const socketPath = join(running.directory, socket);
  expect(JSON.parse(await get({ socketPath }))).toEqual(expected);
  running.kill('SIGTERM');
  expect(await running.exit()).toBe('SIGTERM');
  expect(running.stderr.match(/warning: .*/g)).toEqual([
    expect.stringMatching(
      /^warning: The application runs in this one process, without manager and workers: it could not be loaded .*\. Without effect here: --workers, --balanced, --rehearse, --max-requests, the hook workerExit$/,
    ),
  ]);
});

test('An app that is exported is served, and an error at the start is explained as ever.', async () => {
  const port = freePort();
  const app = "module.exports = (_, response) => response.end('served');";
  const running = prefork({ 'app.js': app }, ['app.js'], { PORT: String(port) });
  await running.until(/runs in this one process/);
  while ((await get({ port }).catch(() => '')) !== 'served');
  running.kill('SIGTERM');
  expect(await running.exit()).toBe('SIGTERM');
  const ends = await prefork({ 'app.js': '' }, ['app.js']).result;
  expect(ends.status).toBe(1);
  expect(ends.stderr).toMatch(/app\.js ended without listening/);
});

test('As a preload, too.', async () => {
  const cwd = folderWithoutAddon({ 'server.js': SERVER });
  const port = freePort();
  const env = { PREFORK_BIND: `127.0.0.1:${port}`, PREFORK_WORKERS: '2' };
  const running = program(process.execPath, ['--import', 'prefork/auto', 'server.js'], { cwd, env });
  expect(await running.line()).toBe('listens');
  expect(JSON.parse(await get({ port }))).toMatchObject({ pid: running.pid, PREFORK_WORKER: '0' });
  running.kill('SIGTERM');
  expect(await running.exit()).toBe('SIGTERM');
  expect(running.stderr).toMatch(/Without effect here: --workers\n/);
});

test('There is nothing to check, and what is wrong with the settings is refused as ever.', async () => {
  const check = await prefork({ 'server.js': SERVER }, ['check', 'server.js']).result;
  expect([check.status, check.stdout]).toEqual([2, '']);
  expect(check.stderr).toMatch(
    /^prefork: There is nothing to check where nothing can be forked: it could not/,
  );
  const wrong = await prefork({ 'server.js': SERVER }, ['server.js', '--workers', 'many']).result;
  expect([wrong.status, wrong.stdout]).toEqual([2, '']);
});
