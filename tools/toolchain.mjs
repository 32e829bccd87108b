// Commands that compile, link and strip for a processor and a C library: Debian's compilers, and for musl the same
// compilers with musl's headers instead of glibc's.
import { spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, symlinkSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { musl } from './musl.mjs';

const TRIPLET = { x64: 'x86_64-linux-gnu', arm64: 'aarch64-linux-gnu' };

// Inline atomic operations. Otherwise gcc calls functions of libgcc, which ask what the processor can do through a function
// that only glibc has.
const FLAGS = { x64: [], arm64: ['-mno-outline-atomics'] };

/** The folders in which a compiler looks for headers. */
function searchPath(compiler) {
  const { stderr, error } = spawnSync(compiler, ['-E', '-v', '-x', 'c++', '/dev/null'], { encoding: 'utf8' });
  if (error !== undefined)
    throw new Error(`${compiler} is missing: see CONTRIBUTING.md, "Prebuilt binaries"`, { cause: error });
  const [, list = ''] = /search starts here:\n(.*?)End of search list/s.exec(stderr) ?? [];
  return list
    .split('\n')
    .map((line) => line.trim())
    .filter((line) => line.startsWith('/'))
    .map((folder) => resolve(folder));
}

/** The kernel's headers, which lie among glibc's. */
function kernelHeaders(folders, into) {
  mkdirSync(into, { recursive: true });
  for (const name of ['linux', 'asm', 'asm-generic']) {
    const found = folders.map((folder) => join(folder, name)).find((path) => existsSync(path));
    if (found === undefined) throw new Error(`no kernel headers (${name}) in ${folders.join(', ')}`);
    if (!existsSync(join(into, name))) symlinkSync(found, join(into, name));
  }
  return into;
}

function muslFlags(arch, compiler) {
  const { include } = musl(arch);
  const folders = searchPath(compiler);
  const path = [
    join(import.meta.dirname, 'musl'),
    ...folders.filter((folder) => folder.includes('/c++/')),
    include,
    ...folders.filter((folder) => /\/lib\/gcc(-cross)?\//.test(folder)),
    kernelHeaders(folders, join(include, '..', 'kernel')),
  ];
  return ['-nostdinc', '-nostdinc++', ...path.flatMap((folder) => ['-isystem', folder])];
}

/** Command lines as lists: `{ compile, link, strip }`. */
export function toolchain(arch, libc) {
  const compiler = `${TRIPLET[arch]}-g++`;
  const strip = `${TRIPLET[arch]}-strip`;
  if (libc === 'glibc') {
    searchPath(compiler);
    return { compile: [compiler, ...FLAGS[arch]], link: [compiler], strip };
  }
  return {
    compile: [compiler, ...FLAGS[arch], ...muslFlags(arch, compiler)],
    link: [`${TRIPLET[arch]}-gcc`, '-nostdlib', `-L${musl(arch).libraries}`, '-Wl,--no-as-needed', '-lc'],
    strip,
  };
}
