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

const folder = () => mkdtempSync(join(tmpdir(), 'prefork-test-'));

/** What the programs under test have in common, without Node. */
const CORE = ['posix', 'fork'].flatMap((room) =>
  readdirSync(join(NATIVE, room))
    .filter((name) => name.endsWith('.cc'))
    .map((name) => join(NATIVE, room, name)),
);

interface Way {
  compiler: string;
  flags: string[];
  /** Compiled in without `checks`. */
  unchecked?: string;
  checks?: string[];
  link(program: string, objects: string[]): void;
}

function run(command: string, args: string[]): void {
  execFileSync(command, args, { stdio: 'inherit' });
}

function compile({ compiler, flags, unchecked, checks = [] }: Way, source: string, object: string): string {
  run(compiler, [...flags, ...(source === unchecked ? [] : checks), '-c', '-o', object, source]);
  return object;
}

function plain(): Way {
  const link = (program: string, objects: string[]) =>
    run(CXX, ['-o', program, ...objects, '-pthread', '-ldl']);
  return { compiler: CXX, flags: FLAGS, link };
}

/**
 * threads.cc is left out of the checks: in the child nobody returns to the frames of its park loop, and
 * AddressSanitizer would go on taking their place on the stack for theirs.
 */
function withSanitizers(): Way {
  const link = (program: string, objects: string[]) =>
    run(CXX, [...SANITIZERS, '-o', program, ...objects, '-pthread', '-ldl']);
  const unchecked = join(NATIVE, 'fork', 'threads.cc');
  return { compiler: CXX, flags: FLAGS, unchecked, checks: SANITIZERS, link };
}

/** With musl instead of glibc, and without a C++ library. Its loader need not be installed. */
async function withMusl(): Promise<Way> {
  const { toolchain } = await import('../../tools/toolchain.mjs');
  const { musl } = await import('../../tools/musl.mjs');
  const [compiler, ...given] = toolchain(process.arch, 'musl').compile;
  const { libraries, start } = musl(process.arch);
  const flags = [...given, ...FLAGS, '-fno-rtti'];
  const runtime = join(folder(), 'cxx.o');
  run(compiler, [...flags, '-c', '-o', runtime, join(NATIVE, 'runtime', 'cxx.cc')]);
  const first = [join(start, 'Scrt1.o'), join(start, 'crti.o')];
  const last = [`-L${libraries}`, '-lc', '-lgcc', join(start, 'crtn.o')];
  const options = [...flags, '-nostdlib', `-Wl,--dynamic-linker,${join(libraries, 'libc.so')}`];
  const link = (program: string, objects: string[]) =>
    run(compiler, [...options, '-o', program, ...first, ...objects, runtime, ...last]);
  return { compiler, flags, link };
}

/** Builds a program's source with the core, which is compiled when the first program needs it. */
function builder(how: () => Way | Promise<Way>): (program: string) => Promise<string> {
  const objects = folder();
  let core: { way: Way; objects: string[] } | undefined;
  return async (program) => {
    if (core === undefined) {
      const way = await how();
      core = { way, objects: CORE.map((source, i) => compile(way, source, join(objects, `${i}.o`))) };
    }
    const own = compile(core.way, join(__dirname, `${program}.cc`), join(objects, `${program}.o`));
    const built = join(objects, program);
    core.way.link(built, [...core.objects, own]);
    return built;
  };
}

const BUILDS = [
  ['as it is', builder(plain)],
  ['with musl', builder(withMusl)],
  ['under AddressSanitizer and UndefinedBehaviorSanitizer', builder(withSanitizers)],
] as const;

describe('the native core without Node: every thread, descriptor and mapping goes on in children and grandchildren', () => {
  it.each(BUILDS)('%s', { timeout: TIMEOUT }, async (_, build) => {
    const program = await build('forks');
    const env = { ASAN_OPTIONS: 'detect_leaks=0' };
    const { result } = new Program(program, ['20'], { deadman: 120_000, env });
    expect(await result).toEqual({ status: 0, signal: null, stdout: '20 forks\n', stderr: '' });
  });
});

describe('memory that is marked to be left out of forks is in every child, and marked as before', () => {
  it.each(BUILDS)('%s', { timeout: TIMEOUT }, async (_, build) => {
    const { result } = new Program(await build('marks'), [], {
      env: { ASAN_OPTIONS: 'detect_leaks=0' },
    });
    const stdout = 'kept\nleft alone\nnew\nhalved\nguarded\nin the heap\nreplaced\nmarked later\n';
    expect(await result).toEqual({ status: 0, signal: null, stdout, stderr: '' });
  });
});

describe('a ring of io_uring keeps what a thread has filled in or taken when it is stopped', () => {
  it.each(BUILDS)('%s', { timeout: TIMEOUT }, async (_, build) => {
    const { result } = new Program(await build('rings'), [], {
      env: { ASAN_OPTIONS: 'detect_leaks=0' },
    });
    expect(await result).toEqual({ status: 0, signal: null, stdout: 'ok\n'.repeat(7), stderr: '' });
  });
});

describe('a socket that another thread has just made is bound or connected before the process forks', () => {
  it.each(BUILDS)('%s', { timeout: TIMEOUT }, async (_, build) => {
    const { result } = new Program(await build('sockets'), [], {
      deadman: 120_000,
      env: { ASAN_OPTIONS: 'detect_leaks=0' },
    });
    expect(await result).toEqual({ status: 0, signal: null, stdout: '30 forks\nok\n', stderr: '' });
  });
});

describe('no place of a gathered heap is taken twice, whatever other threads take and free meanwhile', () => {
  it.each(BUILDS)('%s', { timeout: TIMEOUT }, async (_, build) => {
    const { result } = new Program(await build('places'), [], { deadman: 120_000 });
    expect(await result).toEqual({ status: 0, signal: null, stdout: 'ok\n', stderr: '' });
  });
});

test('What malloc has free between other pieces is used by nobody once it has been taken.', async () => {
  const program = join(folder(), 'pieces');
  const sources = [join(NATIVE, 'posix', 'free_pieces.cc'), join(__dirname, 'pieces.cc')];
  run(CXX, [...FLAGS, '-o', program, ...sources]);
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
    const { result } = new Program(await build('locks'), [], {
      deadman: 120_000,
      env: { ASAN_OPTIONS: 'detect_leaks=0' },
    });
    const stdout = `${BLOCKING_CALLS.join('\n')}\n`;
    expect(await result).toEqual({ status: 0, signal: null, stdout, stderr: '' });
  });
});
