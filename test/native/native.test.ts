import { execFileSync } from 'node:child_process';
import { mkdtempSync, readdirSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it, test } from 'vitest';
import { Program } from '../helpers/run';

const NATIVE = join(__dirname, '..', '..', 'native');
const TIMEOUT = 300_000;

const { CXX = 'c++' } = process.env as { CXX?: string };
const FLAGS = ['-std=c++17', '-O1', '-g', '-fno-exceptions', '-fno-omit-frame-pointer', `-I${NATIVE}`];
const SANITIZERS = ['-fsanitize=address,undefined', '-fno-sanitize-recover=undefined'];

function compile(output: string, sources: string[], flags: string[]): void {
  execFileSync(CXX, [...FLAGS, ...flags, '-o', output, ...sources], { stdio: 'inherit' });
}

function sources(program: string): string[] {
  const core = ['posix', 'fork'].flatMap((room) =>
    readdirSync(join(NATIVE, room)).map((name) => join(NATIVE, room, name)),
  );
  return [...core.filter((name) => name.endsWith('.cc')), join(__dirname, `${program}.cc`)];
}

/**
 * threads.cc is left out of the checks: in the child nobody returns to the frames of its park loop, and
 * AddressSanitizer would go on taking their place on the stack for theirs.
 */
function buildWithSanitizers(folder: string, name: string): string {
  const [unchecked, program] = [join(folder, 'threads.o'), join(folder, name)];
  compile(unchecked, [join(NATIVE, 'fork', 'threads.cc')], ['-c']);
  const checked = sources(name).filter((name) => !name.endsWith('/threads.cc'));
  compile(program, [...checked, unchecked], [...SANITIZERS, '-pthread', '-ldl']);
  return program;
}

/** With musl instead of glibc, and without a C++ library. Its loader need not be installed. */
async function buildForMusl(folder: string, name: string): Promise<string> {
  const { toolchain } = await import('../../tools/toolchain.mjs');
  const { musl } = await import('../../tools/musl.mjs');
  const [compiler, ...flags] = toolchain(process.arch, 'musl').compile;
  const { libraries, start } = musl(process.arch);
  const program = join(folder, name);
  const first = [join(start, 'Scrt1.o'), join(start, 'crti.o')];
  const last = [`-L${libraries}`, '-lc', '-lgcc', join(start, 'crtn.o')];
  const loader = `-Wl,--dynamic-linker,${join(libraries, 'libc.so')}`;
  const all = [...first, ...sources(name), join(NATIVE, 'runtime', 'cxx.cc'), ...last];
  const options = [...flags, ...FLAGS, '-fno-rtti', '-nostdlib', loader];
  execFileSync(compiler, [...options, '-o', program, ...all], { stdio: 'inherit' });
  return program;
}

function buildPlain(folder: string, name: string): string {
  const program = join(folder, name);
  compile(program, sources(name), ['-pthread', '-ldl']);
  return program;
}

const folder = () => mkdtempSync(join(tmpdir(), 'prefork-test-'));
const BUILDS = [
  ['as it is', buildPlain],
  ['with musl', buildForMusl],
  ['under AddressSanitizer and UndefinedBehaviorSanitizer', buildWithSanitizers],
] as const;

describe('the native core without Node: every thread, descriptor and mapping goes on in children and grandchildren', () => {
  it.each(BUILDS)('%s', { timeout: TIMEOUT }, async (_, build) => {
    const program = await build(folder(), 'forks');
    const env = { ASAN_OPTIONS: 'detect_leaks=0' };
    const { result } = new Program(program, ['20'], { deadman: 120_000, env });
    expect(await result).toEqual({ status: 0, signal: null, stdout: '20 forks\n', stderr: '' });
  });
});

describe('memory that is marked to be left out of forks is in every child, and marked as before', () => {
  it.each(BUILDS)('%s', { timeout: TIMEOUT }, async (_, build) => {
    const { result } = new Program(await build(folder(), 'marks'), [], {
      env: { ASAN_OPTIONS: 'detect_leaks=0' },
    });
    const stdout = 'kept\nleft alone\nnew\nhalved\nguarded\nin the heap\nreplaced\nmarked later\n';
    expect(await result).toEqual({ status: 0, signal: null, stdout, stderr: '' });
  });
});

describe('a ring of io_uring keeps what a thread has filled in or taken when it is stopped', () => {
  it.each(BUILDS)('%s', { timeout: TIMEOUT }, async (_, build) => {
    const { result } = new Program(await build(folder(), 'rings'), [], {
      env: { ASAN_OPTIONS: 'detect_leaks=0' },
    });
    expect(await result).toEqual({ status: 0, signal: null, stdout: 'ok\n'.repeat(7), stderr: '' });
  });
});

describe('no place of a gathered heap is taken twice, whatever other threads take and free meanwhile', () => {
  it.each(BUILDS)('%s', { timeout: TIMEOUT }, async (_, build) => {
    const { result } = new Program(await build(folder(), 'places'), [], { deadman: 120_000 });
    expect(await result).toEqual({ status: 0, signal: null, stdout: 'ok\n', stderr: '' });
  });
});

test('What malloc has free between other pieces is used by nobody once it has been taken.', async () => {
  const program = join(folder(), 'pieces');
  compile(program, [join(NATIVE, 'posix', 'free_pieces.cc'), join(__dirname, 'pieces.cc')], []);
  const { result } = new Program(program, []);
  expect(await result).toEqual({ status: 0, signal: null, stdout: 'ok\n', stderr: '' });
});

const BLOCKING_CALLS = [
  ...['nanosleep', 'clock_nanosleep', 'usleep', 'futex', 'futex_with_timeout', 'pthread_cond_wait'],
  ...['pthread_cond_timedwait', 'pthread_mutex_lock', 'pthread_rwlock_wrlock', 'sem_wait', 'sem_timedwait'],
  ...['poll', 'ppoll', 'select', 'pselect', 'read', 'write', 'recv', 'recv_with_timeout', 'flock', 'fcntl'],
  ...['semtimedop', 'msgrcv', 'sigtimedwait', 'epoll_wait', 'epoll_pwait'],
];

describe('a thread stopped in a blocking call gives up in the child the locks that it holds', () => {
  it.each(BUILDS)('%s', { timeout: TIMEOUT }, async (_, build) => {
    const { result } = new Program(await build(folder(), 'locks'), [], {
      deadman: 120_000,
      env: { ASAN_OPTIONS: 'detect_leaks=0' },
    });
    const stdout = `${BLOCKING_CALLS.join('\n')}\n`;
    expect(await result).toEqual({ status: 0, signal: null, stdout, stderr: '' });
  });
});
