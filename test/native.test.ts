import { execFileSync } from 'node:child_process';
import { mkdtempSync, readdirSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { Program } from './helpers/run';

const NATIVE = join(__dirname, '..', 'native');
const TIMEOUT = 300_000;

const { CXX = 'c++' } = process.env as { CXX?: string };
const FLAGS = ['-std=c++17', '-O1', '-g', '-fno-exceptions', '-fno-omit-frame-pointer', `-I${NATIVE}`];
const SANITIZERS = ['-fsanitize=address,undefined', '-fno-sanitize-recover=undefined'];

function compile(output: string, sources: string[], flags: string[]): void {
  execFileSync(CXX, [...FLAGS, ...flags, '-o', output, ...sources], { stdio: 'inherit' });
}

function sources(): string[] {
  const core = readdirSync(join(NATIVE, 'posix')).filter((name) => name.endsWith('.cc'));
  return [...core.map((name) => join(NATIVE, 'posix', name)), join(__dirname, 'native', 'forks.cc')];
}

/**
 * threads.cc is left out of the checks: in the child nobody returns to the frames of its park loop, and
 * AddressSanitizer would go on taking their place on the stack for theirs.
 */
function buildWithSanitizers(folder: string): string {
  const [unchecked, program] = [join(folder, 'threads.o'), join(folder, 'forks')];
  compile(unchecked, [join(NATIVE, 'posix', 'threads.cc')], ['-c']);
  const checked = sources().filter((name) => !name.endsWith('/threads.cc'));
  compile(program, [...checked, unchecked], [...SANITIZERS, '-pthread', '-ldl']);
  return program;
}

/** With musl instead of glibc, and without a C++ library. Its loader need not be installed. */
async function buildForMusl(folder: string): Promise<string> {
  const { toolchain } = await import('../tools/toolchain.mjs');
  const { musl } = await import('../tools/musl.mjs');
  const [compiler, ...flags] = toolchain(process.arch, 'musl').compile;
  const { libraries, start } = musl(process.arch);
  const program = join(folder, 'forks');
  const first = [join(start, 'Scrt1.o'), join(start, 'crti.o')];
  const last = [`-L${libraries}`, '-lc', '-lgcc', join(start, 'crtn.o')];
  const loader = `-Wl,--dynamic-linker,${join(libraries, 'libc.so')}`;
  const all = [...first, ...sources(), join(NATIVE, 'runtime', 'cxx.cc'), ...last];
  const options = [...flags, ...FLAGS, '-fno-rtti', '-nostdlib', loader];
  execFileSync(compiler, [...options, '-o', program, ...all], { stdio: 'inherit' });
  return program;
}

function buildPlain(folder: string): string {
  const program = join(folder, 'forks');
  compile(program, sources(), ['-pthread', '-ldl']);
  return program;
}

describe('the native core without Node: every thread, descriptor and mapping goes on in children and grandchildren', () => {
  it.each([
    ['as it is', buildPlain],
    ['with musl', buildForMusl],
    ['under AddressSanitizer and UndefinedBehaviorSanitizer', buildWithSanitizers],
  ])('%s', { timeout: TIMEOUT }, async (_, build) => {
    const program = await build(mkdtempSync(join(tmpdir(), 'prefork-test-')));
    const env = { ASAN_OPTIONS: 'detect_leaks=0' };
    const { result } = new Program(program, ['20'], { deadman: 120_000, env });
    expect(await result).toEqual({ status: 0, signal: null, stdout: '20 forks\n', stderr: '' });
  });
});
