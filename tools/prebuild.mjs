// Compiles the addon for every supported system into prebuilds/, on this one machine: `npm run prebuild`; or for one:
// `npm run prebuild -- linux-arm64-musl`.
import { spawnSync } from 'node:child_process';
import { cpSync, existsSync, mkdtempSync, rmSync, symlinkSync } from 'node:fs';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { isRunBeforeBuild } from './run-before-build.mjs';
import { noteSources, ROOT } from './sources.mjs';
import { toolchain } from './toolchain.mjs';

const TARGETS = ['x64', 'arm64'].flatMap((arch) => ['glibc', 'musl'].map((libc) => ({ arch, libc })));

const prebuildify = createRequire(import.meta.url).resolve('prebuildify/bin.js');

function nameOf({ arch, libc }) {
  return `linux-${arch}-${libc}`;
}

/** The headers beside this Node, if there are any; otherwise node-gyp fetches them. */
function nodeHeaders() {
  const prefix = join(dirname(process.execPath), '..');
  return existsSync(join(prefix, 'include', 'node', 'node_api.h')) ? { npm_config_nodedir: prefix } : {};
}

/** Works in a copy: nothing compiled for another machine may stay in build/, where the loader looks first. */
function withCopy(work) {
  const folder = mkdtempSync(join(tmpdir(), 'prefork-prebuild-'));
  try {
    for (const name of ['package.json', 'binding.gyp', 'native'])
      cpSync(join(ROOT, name), join(folder, name), { recursive: true });
    symlinkSync(join(ROOT, 'node_modules'), join(folder, 'node_modules'));
    return work(folder);
  } finally {
    rmSync(folder, { recursive: true });
  }
}

function prebuild(target) {
  const { compile, link, strip } = toolchain(target.arch, target.libc);
  const options = {
    arch: target.arch,
    platform: 'linux',
    target: process.versions.node,
    libc: target.libc,
    out: ROOT,
    'strip-bin': strip,
  };
  const args = [
    '--napi',
    '--strip',
    '--tag-libc',
    ...Object.entries(options).map((pair) => `--${pair.join('=')}`),
  ];
  const env = { JOBS: 'max', ...nodeHeaders(), ...process.env, CXX: compile.join(' '), LINK: link.join(' ') };
  const { status } = withCopy((cwd) =>
    spawnSync(process.execPath, [prebuildify, ...args], { cwd, env, stdio: 'inherit' }),
  );
  if (status !== 0) throw new Error(`${nameOf(target)} was not built`);
}

function chosen(names) {
  const unknown = names.filter((name) => !TARGETS.some((target) => nameOf(target) === name));
  if (unknown.length > 0)
    throw new Error(`Expected ${TARGETS.map(nameOf).join(', ')} but received ${unknown.join(', ')}`);
  return names.length === 0 ? TARGETS : TARGETS.filter((target) => names.includes(nameOf(target)));
}

if (isRunBeforeBuild()) process.exit();

const targets = chosen(process.argv.slice(2));
if (targets.length === TARGETS.length) {
  for (const arch of ['x64', 'arm64'])
    rmSync(join(ROOT, 'prebuilds', `linux-${arch}`), { recursive: true, force: true });
}
for (const target of targets) prebuild(target);
noteSources(targets.length === TARGETS.length);
