/** `prefork reload TARGET` ends with 0 when the new version serves in all workers, and with 1 and the reason if it does not. */
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { folderWith, prefork, program } from '../../helpers/command';
import { eventually } from '../../helpers/eventually';
import { type Served, serve } from '../../helpers/served';

/** An application that answers with its version. */
function version(number: number): string {
  return `
    const { createServer } = require('node:http');
    createServer((_, response) => response.end('version ${number}')).listen(0, '127.0.0.1');`;
}

function start(options: string[] = []): Promise<Served> {
  const files = { 'app.js': version(1) };
  return serve(['app.js', '-w', '2', ...options], { files, until: /2 workers ready/ });
}

function change({ folder }: Served, source: string): void {
  writeFileSync(join(folder, 'app.js'), source);
}

async function reload({ folder }: Pick<Served, 'folder'>, ...args: string[]) {
  const { status, stdout, stderr } = await prefork(folder, ['reload', ...args]).result;
  return { status, stdout, stderr };
}

const DONE = (generation: number) => ({
  status: 0,
  stdout: `Generation ${generation} serves: every worker has been replaced\n`,
  stderr: '',
});

test('By pid and by pid file: when it ends, every worker has been replaced by one of the new version.', async () => {
  const served = await start(['--pid-file', 'shop.pid']);
  for (const [index, target] of [String(served.running.pid), 'shop.pid'].entries()) {
    change(served, version(index + 2));
    expect(await reload(served, target)).toEqual(DONE(index + 1));
    // The last old worker may just be closing its server.
    await eventually(() => served.running.children().length === 3);
    const answers = await Promise.all(Array.from({ length: 10 }, () => served.ask()));
    expect(new Set(answers)).toEqual(new Set([`version ${index + 2}`]));
  }
  expect(await served.stop()).toBe('status 0');
});

test('A version that is refused: status 1 and the reason; mended, it is taken.', async () => {
  const served = await start();
  const pid = String(served.running.pid);
  change(served, 'this is no JavaScript');
  const { status, stdout, stderr } = await reload(served, pid);
  expect({ status, stdout }).toEqual({ status: 1, stdout: '' });
  expect(stderr).toBe(
    'prefork: The new version is not put into service: it exited with status 1 before it listened. ' +
      `Generation 0 serves on; the log of process ${pid} says more\n`,
  );
  expect(await served.ask()).toBe('version 1');
  change(served, version(2));
  expect(await reload(served, pid)).toEqual(DONE(2));
  expect(await served.stop()).toBe('status 0');
});

test('A manager that ends meanwhile: status 1.', async () => {
  const served = await start();
  change(served, 'setInterval(() => {}, 1000)'); // never listens
  const running = prefork(served.folder, ['reload', String(served.running.pid)]);
  await served.until(/SIGHUP/);
  expect(await served.stop()).toBe('status 0');
  const { status, stderr } = await running.result;
  expect({ status, stderr }).toEqual({
    status: 1,
    stderr: `prefork: Process ${served.running.pid} ended before the new version served\n`,
  });
});

test('A process that is no manager is sent no signal, which would end it.', async () => {
  const other = program('sh', ['-c', 'echo started; read line; echo "heard $line"'], {});
  await other.line();
  const { status, stderr } = await reload({ folder: folderWith({}) }, String(other.pid));
  expect({ status, stderr }).toEqual({
    status: 1,
    stderr: `prefork: Process ${other.pid} is no manager of prefork, or one of an older version (ERR_PREFORK_INVALID_ARG_VALUE)\n`,
  });
  other.endInput('nothing else\n');
  expect((await other.result).stdout).toBe('started\nheard nothing else\n');
});

test('A worker is none, either.', async () => {
  const served = await start();
  const [worker] = served.running.workers();
  const { status, stderr } = await reload(served, String(worker));
  expect({ status, stderr }).toEqual({
    status: 1,
    stderr: `prefork: Process ${worker} is no manager of prefork, or one of an older version (ERR_PREFORK_INVALID_ARG_VALUE)\n`,
  });
  expect(await served.stop()).toBe('status 0');
});

test.each([
  [
    'a process that has gone',
    async () => String((await ended()).pid),
    /^prefork: There is no process \d+ \(ERR_PREFORK_INVALID_ARG_VALUE\)\n$/,
  ],
  [
    'a file that there is not',
    async () => 'none.pid',
    /^prefork: There is no pid file none\.pid, and no manager of that name\. .*\(ERR_PREFORK_INVALID_ARG_VALUE\)\n$/,
  ],
  [
    'a file without a pid',
    async () => 'app.js',
    /^prefork: Expected a pid, a file with one, or a name but received app\.js \(ERR_PREFORK_INVALID_ARG_VALUE\)\n$/,
  ],
])('%s: status 1, and why.', async (_, target, why) => {
  const folder = folderWith({ 'app.js': version(1) });
  const { status, stderr } = await reload({ folder }, await target());
  expect(status).toBe(1);
  expect(stderr).toMatch(why);
});

async function ended() {
  const done = program('true', [], {});
  await done.result;
  return done;
}

test('With more than one target: a usage error.', async () => {
  const { status, stdout, stderr } = await reload({ folder: folderWith({}) }, 'one', 'two');
  expect({ status, stdout, stderr }).toEqual({
    status: 2,
    stdout: '',
    stderr: "error: too many arguments for 'reload'. Expected 1 argument but got 2.\nSee prefork --help.\n",
  });
});

test('The manager does not take the signal: with --timeout status 1, and what goes on.', async () => {
  const served = await start();
  served.running.kill('SIGSTOP');
  const { status, stderr } = await reload(served, '--timeout', '300ms', String(served.running.pid));
  expect({ status, stderr }).toEqual({
    status: 1,
    stderr:
      `prefork: Waited 300 ms for the new version to serve; process ${served.running.pid} goes on with it ` +
      '(ERR_PREFORK_TIMEOUT)\n',
  });
  served.running.kill('SIGCONT');
  await served.until(/Every worker has been replaced/);
  expect(await served.stop()).toBe('status 0');
});
