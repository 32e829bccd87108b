import { createServer } from 'node:net';
import { expect, onTestFinished, test } from 'vitest';
import { folderWith, prefork } from '../helpers/command';

test('prefork check says where the application listens, and what a fork would do, and starts nothing.', async () => {
  const program = `
    const { openSync } = require('node:fs');
    openSync(__filename, 'r+');
    setTimeout(() => console.log('late'), 1000);
    require('node:http').createServer().listen(4321, '127.0.0.1');
    console.log('not reached');
  `;
  const { stdout, stderr, status } = await prefork(folderWith({ 'server.js': program }), [
    'check',
    'server.js',
    '--workers=3',
  ]).result;
  expect({ stderr, status }).toEqual({ stderr: '', status: 0 });
  expect(stdout).toMatch(/^server\.js listens on 127\.0\.0\.1:4321 \d+\.\d s after its start\.$/m);
  expect(stdout).toMatch(/^prefork would fork 3 workers and let them listen there\.$/m);
  expect(stdout).toMatch(/^Nothing is open that would keep it from being forked\.$/m);
  expect(stdout).toMatch(/^Descriptors shared with the child: \d+\n(.*\n)*.*server\.js at byte 0$/m);
  expect(stdout).toMatch(/^Timers due in both: 1$/m);
  expect(stdout).not.toMatch(/late|not reached/);
});

test('prefork check names a database connection that is open, and where it was opened.', async () => {
  const database = createServer();
  await new Promise<void>((resolve) => database.listen(0, '127.0.0.1', resolve));
  onTestFinished(() => void database.close());
  const { port } = database.address() as { port: number };
  const program = `
    const connection = require('node:net').connect(${port}, '127.0.0.1', () => {
      require('node:http').createServer().listen('/run/app.sock');
    });
  `;
  const check = prefork(folderWith({ 'server.js': program }), ['check', 'server.js', '-b', ':80,unix:/x']);
  const { stdout, status } = await check.result;
  expect(status).toBe(1);
  expect(stdout).toMatch(/^server\.js listens on unix:\/run\/app\.sock /m);
  expect(stdout).toMatch(/let them listen on :80, unix:\/x instead\.$/m);
  expect(stdout).toMatch(
    new RegExp(
      `workers would read and write the same ones:\n  - socket .* -> 127.0.0.1:${port}, opened at .*server\\.js:2:`,
    ),
  );
  expect(stdout).toMatch(/^Open them in each worker: in the hook afterFork/m);
});

test('prefork check calls the hook beforeFork, which may close what would keep it from being forked.', async () => {
  const database = createServer();
  await new Promise<void>((resolve) => database.listen(0, '127.0.0.1', resolve));
  onTestFinished(() => void database.close());
  const { port } = database.address() as { port: number };
  const application = `
    global.connection = require('node:net').connect(${port}, '127.0.0.1', () => {
      require('node:http').createServer().listen(4321);
    });
  `;
  const files = (hook: string) => ({
    'server.js': application,
    'prefork.config.js': `module.exports = { hooks: { beforeFork() { ${hook} } } }`,
  });
  const check = (hook: string) => prefork(folderWith(files(hook)), ['check', 'server.js']).result;
  const closes = await check('global.connection.destroy()');
  expect(closes.status).toBe(0);
  expect(closes.stdout).toMatch(/^Nothing is open that would keep it from being forked\.$/m);
  const throws = await check("throw new Error('not connected')");
  expect(throws.status).toBe(1);
  expect(throws.stdout).toMatch(/^The hook beforeFork threw: Error: not connected$/m);
});

test('prefork check refuses a user that there is not, as the run does.', async () => {
  const folder = folderWith({ 'server.js': "require('node:http').createServer().listen(4321);" });
  const { status, stdout, stderr } = await prefork(folder, ['check', 'server.js', '--user', 'nosuch']).result;
  expect({ status, stdout }).toEqual({ status: 2, stdout: '' });
  expect(stderr).toMatch(/^prefork: Expected a user that this machine knows but received 'nosuch'/);
});
