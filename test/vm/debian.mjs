// Debian packages of any architecture and release, unpacked into a folder. The system's own apt is not touched: each
// release and architecture has lists of its own in the cache.
import { execFileSync } from 'node:child_process';
import { existsSync, mkdirSync, readdirSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

const MIRROR = process.env.DEBIAN_MIRROR ?? 'http://deb.debian.org';
const KEYS = '/usr/share/keyrings/debian-archive-keyring.gpg';
const MINUTE = 60_000;

function source(path, suite) {
  return `deb [signed-by=${KEYS}] ${MIRROR}/${path} ${suite} main\n`;
}

/** Runs apt programs for one release and architecture. */
function aptFor(cache, architecture, release) {
  const folder = join(cache, 'apt', `${release}-${architecture}`);
  for (const name of ['lists/partial', 'archives/partial'])
    mkdirSync(join(folder, name), { recursive: true });
  const config = join(folder, 'apt.conf');
  writeFileSync(join(folder, 'status'), '');
  writeFileSync(
    join(folder, 'sources.list'),
    source('debian', release) + source('debian-security', `${release}-security`),
  );
  writeFileSync(
    config,
    [
      `APT::Architecture "${architecture}";`,
      `APT::Architectures { "${architecture}"; };`,
      `Dir::State "${folder}";`,
      `Dir::State::Lists "${folder}/lists";`,
      `Dir::State::status "${folder}/status";`,
      `Dir::Cache "${folder}";`,
      `Dir::Etc::sourcelist "${folder}/sources.list";`,
      'Dir::Etc::sourceparts "/dev/null";',
      'APT::Sandbox::User "";',
      'Acquire::http::Timeout "60";',
      'Acquire::Retries "2";',
    ].join('\n'),
  );
  const env = { ...process.env, APT_CONFIG: config };
  return (program, args, cwd = folder) =>
    execFileSync(program, args, { cwd, env, encoding: 'utf8', timeout: 10 * MINUTE });
}

/** Debian's kernel package is named after its version; the one without it depends on that. */
function kernelPackage(apt, architecture) {
  const depends = apt('apt-cache', ['depends', '--important', `linux-image-${architecture}`]);
  return depends.match(/Depends: (linux-image-\S+)/)[1];
}

function unpackAll(debs, folder) {
  for (const name of readdirSync(debs).filter((name) => name.endsWith('.deb'))) {
    execFileSync('dpkg-deb', ['-x', join(debs, name), folder]);
  }
}

/**
 * The same with all that `packages` depend on. Nothing is configured: their scripts would need the architecture's own
 * system.
 */
export function unpackWithDependencies(cache, architecture, release, packages) {
  const folder = join(cache, `${release}-${architecture}-with-dependencies-${packages.join('-')}`);
  if (existsSync(folder)) return folder;
  const unpacking = `${folder}.${process.pid}`;
  mkdirSync(unpacking, { recursive: true });
  const apt = aptFor(cache, architecture, release);
  apt('apt-get', ['update', '-qq']);
  const debs = join(cache, 'apt', `${release}-${architecture}`, 'archives');
  const options = ['--download-only', '--no-install-recommends', '--yes', '-qq'];
  apt('apt-get', ['install', ...options, ...packages]);
  unpackAll(debs, unpacking);
  renameSync(unpacking, folder);
  return folder;
}

/**
 * The folder into which `packages` are unpacked, fetched once and kept. `kernel` stands for Debian's kernel for that
 * architecture; its name is part of what is answered.
 */
export function unpack(cache, architecture, release, packages) {
  const folder = join(cache, `${release}-${architecture}-${packages.join('-')}`);
  if (existsSync(folder)) return folder;
  const unpacking = `${folder}.${process.pid}`;
  mkdirSync(join(unpacking, 'debs'), { recursive: true });
  const apt = aptFor(cache, architecture, release);
  apt('apt-get', ['update', '-qq']);
  const names = packages.map((name) => (name === 'kernel' ? kernelPackage(apt, architecture) : name));
  apt('apt-get', ['download', '-qq', ...names], join(unpacking, 'debs'));
  unpackAll(join(unpacking, 'debs'), unpacking);
  rmSync(join(unpacking, 'debs'), { recursive: true });
  rmSync(join(unpacking, 'lib', 'modules'), { recursive: true, force: true });
  renameSync(unpacking, folder);
  return folder;
}
