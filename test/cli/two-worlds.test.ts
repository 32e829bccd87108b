/** An application finds the same world under prefork as alone, and its modules where they are. */
import { copyFileSync, realpathSync, symlinkSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { type Files, folderWith, prefork, program } from '../helpers/command';
import type { Program } from '../helpers/run';
import { ROOT } from '../helpers/stdin';

interface World {
  listeners: Record<string, number>;
  cached: string[];
  sources: Record<string, string>;
  subscribed: string[];
  global: Record<string, string>;
  resources: string[];
  [name: string]: unknown;
}

/** Those by which a process reads its processor time, which goes on in a worker. */
const READ = ['cpuUsage', 'resourceUsage', 'threadCpuUsage'].filter((name) => name in process);

/** Functions of Node's that it has replaced: what it is there for, and what has to reach all threads of a forked process. */
const REPLACED = [
  'Server.prototype.listen',
  'dgram.Socket.prototype.bind',
  ...['fork', 'setupMaster', 'setupPrimary'].map((name) => `cluster.${name}`),
  ...['initgroups', 'setegid', 'seteuid', 'setgid', 'setgroups', 'setuid', ...READ].map(
    (name) => `process.${name}`,
  ),
];

/** How it learns of threads, child processes, connections that are kept for a next request, and what workers answer. */
const SUBSCRIBED = [
  'child_process',
  'http.client.request.start',
  'http.server.request.start',
  'http.server.response.finish',
  'undici:client:connected',
  'worker_threads',
];

/** The parent has to know of the end of an application that never listens. */
const OURS = ['beforeExit', 'exit', 'uncaughtExceptionMonitor'];

async function worldOf(running: Program): Promise<World> {
  const world = JSON.parse(await running.line()) as World;
  running.kill('SIGTERM');
  await running.result;
  return world;
}

function namesThatDiffer(one: Record<string, string>, other: Record<string, string>): string[] {
  const names = new Set([...Object.keys(one), ...Object.keys(other)]);
  return [...names].filter((name) => one[name] !== other[name]).sort();
}

test('Nothing is different when the application is loaded but what is listed here.', async () => {
  const folder = realpathSync(folderWith({}));
  copyFileSync(join(ROOT, 'test/fixtures/cli/world.js'), join(folder, 'world.js'));
  const alone = await worldOf(program(process.execPath, ['world.js', 'its', '--own'], { cwd: folder }));
  const managed = await worldOf(prefork(folder, ['world.js', '-w', '1', '--', 'its', '--own']));
  for (const name of OURS) delete managed.listeners[name];
  // By which two copies of the package find one another.
  delete managed.global['Symbol(prefork)'];
  expect(namesThatDiffer(alone.sources, managed.sources)).toEqual(REPLACED.sort());
  managed.sources = alone.sources;
  expect(managed.subscribed).toEqual(SUBSCRIBED);
  managed.subscribed = alone.subscribed;
  managed.cached = managed.cached.filter((file) => file.startsWith(folder));
  expect(managed).toEqual({ ...alone, title: 'prefork: template' });
});

const LINKED = {
  'node_modules/.pnpm/a@1/node_modules/a/index.js': "module.exports = 'a and ' + require('b');",
  'node_modules/.pnpm/a@1/node_modules/b/index.js': "module.exports = 'b';",
};

/** A folder in which a package is a link, as pnpm makes them, and needs one that lies beside what it stands for. */
function folderWithLink(files: Files): string {
  const folder = folderWith({ ...files, ...LINKED }, { packages: false });
  symlinkSync('.pnpm/a@1/node_modules/a', join(folder, 'node_modules', 'a'));
  return folder;
}

test('A package that is a link finds what lies beside it.', async () => {
  const folder = folderWithLink({
    'server.js': `
      const text = require('a');
      require('node:http').createServer().listen(0, '127.0.0.1', () => console.log(text));`,
  });
  const running = prefork(folder, ['server.js', '-w', '1']);
  expect(await running.line()).toBe('a and b');
  running.kill('SIGTERM');
  expect((await running.result).status).toBe(0);
});

test('And so it does right after the manager has looked at a standard error that is a pipe.', async () => {
  const logFiles = join(ROOT, 'dist', 'manager', 'log-files.js');
  const folder = folderWithLink({
    'main.js': `
      require(${JSON.stringify(logFiles)}).rememberLogFiles();
      console.log(require('a'));`,
  });
  const { stdout, stderr } = await program(process.execPath, ['main.js'], { cwd: folder }).result;
  expect([stdout, stderr]).toEqual(['a and b\n', '']);
});
