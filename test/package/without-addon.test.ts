/** Where there can be no addon the package loads, all that needs no fork works, and the rest says what it needs. */
import { cpSync, existsSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { program } from '../helpers/command';
import { installedCopy } from '../helpers/installed-copy';
import { ROOT } from '../helpers/stdin';

const [MAJOR = 0] = process.versions.node.split('.').map(Number);

interface Runtime {
  version: string;
  program: string;
  args: string[];
}
const runtimes = JSON.parse(readFileSync(join(ROOT, 'test', 'runtimes.json'), 'utf8')) as Record<
  string,
  Runtime
>;

/** A project with the package as it is installed, and the fixture that uses it. */
function project({ withAddon }: { withAddon: boolean }): string {
  const folder = installedCopy({ withAddon });
  cpSync(join(ROOT, 'test/fixtures/package/without-addon.cjs'), join(folder, 'program.cjs'));
  return folder;
}

/** What the fixture prints; `reason` is why there is no addon, `bind` the call by which a port in use fails. */
function printed(reason: string, bind = 'listen'): string {
  const needs = `ERR_PREFORK_UNSUPPORTED prefork needs Linux on x64 or arm64, Node and its native addon for this, but ${reason}`;
  const shared =
    'ERR_PREFORK_UNSUPPORTED Without its native addon prefork cannot have several sockets share a port: leave out reusePort and perWorker';
  const lines = {
    sharedCounters: 3,
    scoreboard: [],
    worker: null,
    isValidIp: [true, true, false, false],
    getpid: true,
    'an address': ['an address', true],
    'every address': ['every address', true],
    localhost: ['localhost', true],
    addAcceptHandler: ['hello', '127.0.0.1'],
    HTTPServer: '127.0.0.1',
    TCPServer: 'echo',
    'in use': `EADDRINUSE ${bind} EADDRINUSE 127.0.0.1:PORT`,
    'a name':
      'ERR_PREFORK_UNSUPPORTED Without its native addon prefork cannot look up example.invalid before it binds: give an IP address',
    reusePort: shared,
    perWorker: shared,
    fork: needs,
    forkProcesses: needs,
    wait: needs,
    pipe: needs,
  };
  return `${Object.entries(lines)
    .map(([name, value]) => `${name}: ${JSON.stringify(value)}\n`)
    .join('')}end\n`;
}

async function run(command: string, args: string[], cwd: string, ...what: string[]) {
  return program(command, [...args, 'program.cjs', ...what], { cwd }).result;
}

test('Without a binary: on a system for which there is none, and none was compiled.', async () => {
  const { stdout, stderr, status } = await run(process.execPath, [], project({ withAddon: false }));
  const reason = `it could not be loaded (npm rebuild prefork --build-from-source compiles it): No native build was found for `;
  expect({ stdout: stdout.replaceAll(/found for [^"]*/g, 'found for '), status, stderr }).toEqual({
    stdout: printed(reason),
    status: 0,
    stderr: 'INFO:tornado.general:logged\n',
  });
});

test('A Unix socket has its mode, and is served.', async () => {
  const { stdout, status } = await run(process.execPath, [], project({ withAddon: false }), 'unix');
  expect({ stdout, status }).toEqual({ stdout: 'bindUnixSocket: ["660","hello"]\nend\n', status: 0 });
});

test.each([
  ['darwin', 'arm64'],
  ['win32', 'x64'],
  ['linux', 'riscv64'],
])('On %s, %s.', async (platform, arch) => {
  const folder = project({ withAddon: true });
  const values = JSON.stringify({ platform, arch });
  writeFileSync(
    join(folder, 'elsewhere.cjs'),
    `for (const [name, value] of Object.entries(${values})) Object.defineProperty(process, name, { value });`,
  );
  const { stdout, status, stderr } = await run(process.execPath, ['--require', './elsewhere.cjs'], folder);
  expect({ stdout, status, stderr }).toEqual({
    stdout: printed(`this is ${platform} on ${arch}`),
    status: 0,
    stderr: 'INFO:tornado.general:logged\n',
  });
});

test('In a Node without the permission for addons.', async () => {
  const flags = {
    20: ['--experimental-permission', '--allow-fs-read=*'],
    22: ['--experimental-permission', '--allow-fs-read=*'],
    24: ['--permission', '--allow-fs-read=*'],
  }[MAJOR] ?? ['--permission', '--allow-fs-read=*', '--allow-net'];
  const folder = project({ withAddon: true });
  const { stdout, status, stderr } = await run(process.execPath, ['--no-warnings', ...flags], folder);
  expect({ stdout, status, stderr }).toEqual({
    stdout: printed('this Node may load no addons: start it with --allow-addons'),
    status: 0,
    stderr: 'INFO:tornado.general:logged\n',
  });
});

const commandOf = (name: string): string => {
  const { version, program: path } = runtimes[name] as Runtime;
  return join(ROOT, '.node-versions', `${name}-${version}`, 'package', path);
};

// `npm run test:runtimes` fetches them.
describe.each([
  ['bun', 'Bun'],
  ['deno', 'Deno'],
])('In %s', (name, shown) => {
  test.skipIf(!existsSync(commandOf(name)))('with the addon beside it, which is not loaded.', async () => {
    const { version, args } = runtimes[name] as Runtime;
    const { stdout, status } = await run(commandOf(name), args, project({ withAddon: true }));
    expect({ stdout, status }).toEqual({ stdout: printed(`this is ${shown} ${version}`, 'bind'), status: 0 });
  });

  test.skipIf(!existsSync(commandOf(name)))(
    'a Unix socket is refused, with what to do instead.',
    async () => {
      const { args } = runtimes[name] as Runtime;
      const { stdout } = await run(commandOf(name), args, project({ withAddon: true }), 'unix');
      expect(stdout).toBe(
        'ERR_PREFORK_UNSUPPORTED Outside Node prefork cannot bind a Unix socket before it is served: have the server listen by its path\n',
      );
    },
  );
});
