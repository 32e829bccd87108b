// What the machine boots: a kernel, and an initial file system in memory that holds everything, so that the kernel
// needs no driver but the console's.
import { execFileSync } from 'node:child_process';
import {
  chmodSync,
  copyFileSync,
  cpSync,
  existsSync,
  mkdirSync,
  readdirSync,
  realpathSync,
  renameSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { unpack } from './debian.mjs';

export const ROOT = join(dirname(fileURLToPath(import.meta.url)), '..', '..');
export const CACHE = join(ROOT, '.vm');
const USERLAND = ['libc6', 'libgcc-s1', 'libstdc++6', 'busybox-static', 'openssl', 'libssl3', 'util-linux'];
const MINUTE = 60_000;

/** The compiler's prefix, Debian's name and Node's name of each architecture. */
export const ARCHITECTURES = {
  arm64: { debian: 'arm64', triplet: 'aarch64-linux-gnu' },
  x64: { debian: 'amd64', triplet: 'x86_64-linux-gnu' },
};

export function run(command, args, options = {}) {
  execFileSync(command, args, { stdio: ['ignore', 'ignore', 'inherit'], timeout: 15 * MINUTE, ...options });
}

/** The `node` of this version and architecture, from the registry; kept for the next time. */
export function nodeOf(version, architecture) {
  const folder = join(CACHE, `node-${version}-${architecture}`);
  const binary = join(folder, 'package', 'bin', 'node');
  if (existsSync(binary)) return binary;
  const unpacking = `${folder}.${process.pid}`;
  const name = `node-linux-${architecture}`;
  mkdirSync(unpacking, { recursive: true });
  run('npm', ['pack', '--silent', '--pack-destination', unpacking, `${name}@${version}`]);
  run('tar', ['-xzf', `${name}-${version}.tgz`, 'package/bin/node'], { cwd: unpacking });
  rmSync(join(unpacking, `${name}-${version}.tgz`));
  renameSync(unpacking, folder);
  return binary;
}

/** node-gyp compiles against the headers that came with this node, if they did, and else fetches them. */
function localHeaders() {
  const prefix = dirname(dirname(realpathSync(process.execPath)));
  return existsSync(join(prefix, 'include', 'node', 'node_api.h')) ? { npm_config_nodedir: prefix } : {};
}

/** Compiles in a copy of the sources: node-gyp has one build folder, and the checkout's is this machine's. */
function compile(architecture, triplet) {
  const folder = join(CACHE, `build-${architecture}`);
  mkdirSync(folder, { recursive: true });
  for (const name of ['native', 'binding.gyp', 'package.json']) {
    run('cp', ['-r', '--update', '--preserve=timestamps', join(ROOT, name), folder]);
  }
  run('ln', ['-sfn', join(ROOT, 'node_modules'), join(folder, 'node_modules')]);
  const env = {
    ...process.env,
    ...localHeaders(),
    CC: `${triplet}-gcc`,
    CXX: `${triplet}-g++`,
    AR: `${triplet}-gcc-ar`,
  };
  const gyp = join(ROOT, 'node_modules', '.bin', 'node-gyp');
  run(gyp, ['configure', 'build', '--silent', `--arch=${architecture}`], { cwd: folder, env });
  const core = ['posix', 'fork'].map((room) => join(ROOT, 'native', room));
  const sources = core
    .flatMap((room) => readdirSync(room).map((name) => join(room, name)))
    .filter((name) => name.endsWith('.cc'));
  const flags = ['-std=c++17', '-O1', '-fno-exceptions', `-I${join(ROOT, 'native')}`, '-pthread', '-ldl'];
  for (const name of NATIVE_TESTS) {
    const source = join(ROOT, 'test', 'native', `${name}.cc`);
    run(env.CXX, [...flags, '-o', join(folder, name), ...sources, source]);
  }
  return { addon: join(folder, 'build', 'Release', 'prefork.node'), nativeTests: folder };
}

function copyApplication(target) {
  for (const name of ['dist', 'package.json', 'test', 'node_modules/node-gyp-build']) {
    cpSync(join(ROOT, name), join(target, name), { recursive: true });
  }
}

export function kernelOf(debian, release) {
  const boot = join(unpack(CACHE, debian, release, ['kernel']), 'boot');
  return join(
    boot,
    readdirSync(boot).find((name) => name.startsWith('vmlinuz')),
  );
}

/** The archive that the kernel unpacks as its first file system. */
export function pack(root, name) {
  const initrd = join(CACHE, name);
  run('sh', ['-c', `find . | cpio --create --format=newc --quiet > ${initrd}`], { cwd: root });
  return initrd;
}

/** Programs of test/native. */
const NATIVE_TESTS = ['forks', 'locks', 'marks', 'rings', 'sockets'];

/** Answers the files `kernel` and `initrd` of a machine in which `nodes` (versions) run the suite. */
export function makeImage({ architecture, release, nodes, forks, only }) {
  const { debian, triplet } = ARCHITECTURES[architecture];
  mkdirSync(CACHE, { recursive: true });
  const userland = unpack(CACHE, debian, 'bookworm', USERLAND);
  const kernel = kernelOf(debian, release);
  const { addon, nativeTests } = compile(architecture, triplet);

  const root = join(CACHE, `root-${architecture}`);
  rmSync(root, { recursive: true, force: true });
  for (const name of ['proc', 'sys', 'dev', 'tmp', 'etc']) mkdirSync(join(root, name), { recursive: true });
  for (const name of ['bin', 'etc/ssl', 'lib', 'lib64', 'usr/bin', 'usr/lib']) {
    const from = join(userland, name);
    if (existsSync(from)) cpSync(from, join(root, name), { recursive: true, verbatimSymlinks: true });
  }
  copyApplication(join(root, 'app'));
  mkdirSync(join(root, 'app', 'build', 'Release'), { recursive: true });
  copyFileSync(addon, join(root, 'app', 'build', 'Release', 'prefork.node'));
  for (const name of NATIVE_TESTS) copyFileSync(join(nativeTests, name), join(root, name));
  for (const version of nodes) {
    mkdirSync(join(root, 'nodes', version), { recursive: true });
    copyFileSync(nodeOf(version, architecture), join(root, 'nodes', version, 'node'));
  }
  writeFileSync(join(root, 'suite.arguments'), `${forks} ${only}`);
  writeFileSync(join(root, 'etc', 'hosts'), '127.0.0.1 localhost\n');
  writeFileSync(join(root, 'etc', 'passwd'), 'root:x:0:0:root:/tmp:/bin/sh\n');
  writeFileSync(join(root, 'etc', 'group'), 'root:x:0:\n');
  copyFileSync(join(ROOT, 'test', 'vm', 'inside', 'init'), join(root, 'init'));
  for (const name of ['init', ...NATIVE_TESTS, ...nodes.map((version) => `nodes/${version}/node`)]) {
    chmodSync(join(root, name), 0o755);
  }

  return { kernel, initrd: pack(root, `initrd-${architecture}`) };
}
