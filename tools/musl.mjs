// musl's headers and library for a processor, from Debian's packages, unpacked into .musl/ without installing
// anything: `musl('arm64')` returns the folders include, libraries and start.
import { execFileSync } from 'node:child_process';
import { existsSync, mkdirSync, mkdtempSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

const CACHE = join(import.meta.dirname, '..', '.musl');

/** Debian's name of the processor, and of its folders. */
const DEBIAN = {
  x64: { name: 'amd64', folder: 'x86_64-linux-musl' },
  arm64: { name: 'arm64', folder: 'aarch64-linux-musl' },
};

/** Lists and state of its own, so that the machine's need not know the other processor. */
function download(name, folder) {
  for (const needed of ['lists/partial', 'cache/archives/partial'])
    mkdirSync(join(folder, needed), { recursive: true });
  writeFileSync(join(folder, 'status'), '');
  const settings = {
    'APT::Architecture': name,
    'APT::Architectures': name,
    'APT::Sandbox::User': 'root',
    'Acquire::Languages': 'none',
    'Dir::State::lists': join(folder, 'lists'),
    'Dir::State::status': join(folder, 'status'),
    'Dir::Cache': join(folder, 'cache'),
  };
  const options = Object.entries(settings).flatMap(([key, value]) => ['-o', `${key}=${value}`]);
  for (const command of [['update'], ['download', 'musl', 'musl-dev']])
    execFileSync('apt-get', ['-qq', ...options, ...command], { cwd: folder, stdio: ['ignore', 2, 2] });
}

function unpack(folder) {
  const unpacked = join(folder, 'unpacked');
  execFileSync('sh', ['-c', `for file in *.deb; do dpkg-deb -x "$file" "$0"; done`, unpacked], {
    cwd: folder,
    stdio: ['ignore', 2, 2],
  });
  return unpacked;
}

/** Another process may do the same: the first one wins. */
function fetchInto(folder, name) {
  mkdirSync(CACHE, { recursive: true });
  const work = mkdtempSync(join(CACHE, 'download-'));
  try {
    download(name, work);
    const unpacked = unpack(work);
    if (!existsSync(folder)) renameSync(unpacked, folder);
  } catch (cause) {
    throw new Error('musl comes from the Debian packages musl and musl-dev, and apt-get did not bring them', {
      cause,
    });
  } finally {
    rmSync(work, { recursive: true });
  }
}

export function musl(arch) {
  const debian = DEBIAN[arch];
  const folder = join(CACHE, arch);
  if (!existsSync(folder)) fetchInto(folder, debian.name);
  return {
    include: join(folder, 'usr', 'include', debian.folder),
    /** Holds libc.so, which is also the loader of programs. */
    libraries: join(folder, 'lib', debian.folder),
    /** Holds what a program begins with (Scrt1.o …), and a libc.a that an addon must not be linked with. */
    start: join(folder, 'usr', 'lib', debian.folder),
  };
}
