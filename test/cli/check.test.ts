import { chmodSync } from 'node:fs';
import { createServer as createHttpServer } from 'node:http';
import { createServer } from 'node:net';
import { expect, onTestFinished, test } from 'vitest';
import { folderWith, prefork } from '../helpers/command';
import { ROOT } from '../helpers/stdin';

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
  expect(stdout.split('\n')).toEqual([
    'server.js can be forked: 3 workers would listen on 127.0.0.1:4321. Nothing has to change.',
    '',
    expect.stringMatching(/^Its first listen\(\), for 127\.0\.0\.1:4321, came after \d+\.\d s\.$/),
    'Add --verbose to list descriptors, threads and shared memory.',
    '',
  ]);
});

test('prefork check --verbose lists descriptors and threads, too.', async () => {
  const program = `
    require('node:fs').openSync(__filename, 'r+');
    setTimeout(() => {}, 1000);
    require('node:http').createServer().listen(4321);
  `;
  const check = prefork(folderWith({ 'server.js': program }), ['check', '--verbose', 'server.js']);
  const { stdout, status } = await check.result;
  expect(status).toBe(0);
  expect(stdout).toMatch(/^server\.js can be forked: /);
  expect(stdout).toMatch(/^Descriptors shared with the child: \d+\n(.*\n)*.*server\.js at byte 0$/m);
  expect(stdout).toMatch(/^Threads made again in the child: \d+$/m);
  expect(stdout).toMatch(/^Timers due in both: 1$/m);
  expect(stdout).toMatch(/^Each worker would share \d+ descriptors .* \d+ of its own and run 1 timer /m);
  expect(stdout).not.toMatch(/--verbose/);
});

test('prefork check says where the workers would listen instead.', async () => {
  const files = { 'server.js': "require('node:http').createServer().listen(4321);" };
  const check = prefork(folderWith(files), ['check', 'server.js', '-w', '1', '-b', ':80,unix:/x']);
  expect((await check.result).stdout).toMatch(
    /^server\.js can be forked: 1 worker would listen on :80, unix:\/x \(instead of :4321\)\. /,
  );
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
  const check = prefork(folderWith({ 'server.js': program }), ['check', 'server.js']);
  const { stdout, status } = await check.result;
  expect(status).toBe(1);
  expect(stdout).toMatch(/^server\.js cannot be forked: it has 1 open connection\.\n/);
  expect(stdout).toMatch(/^Its first listen\(\), for unix:\/run\/app\.sock, /m);
  expect(stdout).toMatch(
    new RegExp(
      `all workers would share them:\n  - socket .* -> 127.0.0.1:${port}, opened at .*server\\.js:2:`,
    ),
  );
  expect(stdout).toMatch(/^Open them in each worker: in the hook afterFork/m);
  expect(stdout).toMatch(/^Until then each worker loads the application by itself \(--preload auto\)/m);
});

test.each([
  ['yes', 1, /^server\.js cannot be forked: it has 1 open connection\.(?!(.|\n)*Until then)/],
  ['no', 0, /^server\.js is loaded by each worker \(--preload no\): 2 workers would listen on :4321\.\n/],
])(
  'With an open connection and --preload %s prefork check says what the run would do.',
  async (preload, expected, says) => {
    const database = createServer();
    await new Promise<void>((resolve) => database.listen(0, '127.0.0.1', resolve));
    onTestFinished(() => void database.close());
    const { port } = database.address() as { port: number };
    const program = `
    require('node:net').connect(${port}, '127.0.0.1', () => {
      require('node:http').createServer().listen(4321);
    });
  `;
    const args = ['check', 'server.js', '--workers=2', `--preload=${preload}`];
    const { stdout, status } = await prefork(folderWith({ 'server.js': program }), args).result;
    expect(stdout).toMatch(says);
    expect(status).toBe(expected);
  },
);

test.runIf(process.getuid?.() === 0)(
  'prefork check loads the application as --user, as the run does.',
  async () => {
    const program = `
    console.log('user', process.getuid(), 'group', process.getgid());
    require('node:http').createServer().listen(4321);
  `;
    const folder = folderWith({ 'server.js': program });
    chmodSync(folder, 0o755);
    const args = ['check', '--verbose', 'server.js', '--user', '12345', '--group', '12346'];
    const { stdout, stderr, status } = await prefork(folder, args).result;
    expect({ stderr, status }).toEqual({ stderr: '', status: 0 });
    expect(stdout).toMatch(/^user 12345 group 12346\nserver\.js can be forked: /);
    expect(stdout).toMatch(/^Descriptors shared with the child: \d+$/m);
    const asRoot = await prefork(folder, [...args, '--load-as-root']).result;
    expect(asRoot.stdout).toMatch(/^user 0 group 0\n/);
  },
);

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
  expect(closes.stdout).toMatch(/^server\.js can be forked: .* Nothing has to change\.$/m);
  const throws = await check("throw new Error('not connected')");
  expect(throws.status).toBe(1);
  expect(throws.stdout).toMatch(
    /^server\.js cannot be forked: its hook beforeFork throws\.\n\nError: not connected\n/,
  );
});

test('prefork check refuses a user that there is not, as the run does.', async () => {
  const folder = folderWith({ 'server.js': "require('node:http').createServer().listen(4321);" });
  const { status, stdout, stderr } = await prefork(folder, ['check', 'server.js', '--user', 'nosuch']).result;
  expect({ status, stdout }).toEqual({ status: 2, stdout: '' });
  expect(stderr).toMatch(/^prefork: Unknown user 'nosuch'/);
});

test('prefork check names a helper process, and does not mind a connection that only waits for a next request.', async () => {
  const helper = `
    const { spawn } = require('node:child_process');
    spawn(process.execPath, ['-e', 'process.stdin.resume()'], { stdio: ['pipe', 'inherit', 'inherit'] }).unref();
    require('node:http').createServer().listen(4321);
  `;
  const withHelper = await prefork(folderWith({ 'server.js': helper }), ['check', 'server.js']).result;
  expect(withHelper.status).toBe(1);
  expect(withHelper.stdout).toMatch(/^server\.js cannot be forked: it has 1 helper process\.\n/);
  expect(withHelper.stdout).toMatch(/\n {2}- child process .*, opened at .*server\.js:3:/);
  const fetches = `
    const { createServer } = require('node:http');
    (async () => {
      await (await fetch(process.env.SETTINGS)).text();
      createServer().listen(4321);
    })();
  `;
  const settings = createHttpServer((_, response) => response.end('settings'));
  await new Promise<void>((resolve) => settings.listen(0, '127.0.0.1', resolve));
  onTestFinished(() => void settings.close().closeAllConnections());
  const { port } = settings.address() as { port: number };
  const env = { SETTINGS: `http://127.0.0.1:${port}/` };
  const idle = await prefork(folderWith({ 'server.js': fetches }), ['check', 'server.js'], { env }).result;
  expect(idle.stdout).toMatch(/^server\.js can be forked: /);
  expect(idle.status).toBe(0);
});

test('prefork check ends by itself when the program forks its workers by itself.', async () => {
  const program = `
    const { forkProcesses } = require('${ROOT}/dist');
    forkProcesses(2);
    console.log('forked');
    require('node:http').createServer().listen(0);
  `;
  const check = await prefork(folderWith({ 'server.js': program }), ['check', 'server.js']).result;
  expect({ status: check.status, stdout: check.stdout }).toEqual({ status: 1, stdout: '' });
  expect(check.stderr).toMatch(/server\.js starts its own workers with forkProcesses\(\)/);
});
