/** What becomes of each thing that a program can own: the rows of docs/fork-safety.md. */
import { expect, test } from 'vitest';
import { compile } from '../helpers/compile';
import { Program, type Result, type RunOptions } from '../helpers/run';

const FIXTURE = require.resolve('../fixtures/fork/state.js');
const { cases } = require(FIXTURE) as { cases: Record<string, unknown> };

const inBoth = (...lines: string[]): string[] =>
  ['child', 'parent'].flatMap((name) => lines.map((line) => `${name}: ${line}`));

/** The lines that each case prints, sorted. */
const EXPECTED: Record<string, string[]> = {
  'what is due runs in both': inBoth(
    'tick',
    'microtask',
    'promise',
    'immediate',
    'timer',
    'beforeExit',
    'exit 0',
  ),
  'a rejection nobody handles ends both': inBoth('nobody cares', 'exit 1'),
  'AsyncLocalStorage goes on': inBoth('now stored', 'timer stored'),
  'async_hooks go on': inBoth('same execution true both seen true'),
  'weak references and finalizers work in both': inBoth('finalized object', 'reference undefined'),
  'clocks go on': inBoth('origin true', 'now true uptime true'),
  'Math.random differs, also one put aside': ['parent: same: false false false false'],
  'a file has one offset': ['child: cd', 'parent: ef'],
  'what was printed is not printed twice': ['parent: once', 'parent: once', ...inBoth('here')],
  'flock is shared': [
    'parent: free while both have it false',
    'parent: free while the child has it false',
    'parent: free without either true',
  ],
  'record locks and POSIX timers stay with the parent': [
    'child: locks 0 timers 0',
    'parent: locks 1 timers 1',
  ],
  'memory mapped with MAP_SHARED is shared': ['parent: reads child'],
  'a connection is one for both': ['parent: the other end heard child and parent'],
  'a SharedArrayBuffer is shared by the threads of one process': [
    'child: worker sees 2 of this process: true',
    'parent: worker sees 1 of this process: true',
  ],
  'a worker thread that has not loaded this package keeps the pid': [
    'child: right false',
    'parent: right true',
  ],
  'a child process stays with its parent': ['child: kill false', 'parent: exit event'],
  'a server is served by both': ['parent: child and parent'],
  'work in flight is done twice': [...inBoth('completions 20'), 'parent: more than once true'],
  'the alarm stays with the parent': ['child: false', 'parent: true'],
  'an IPC channel stays with the parent': [
    'child: undefined undefined',
    'parent: disconnect',
    'parent: function true',
  ],
  'the inspector stays with the parent': ['child: none', 'parent: open'],
  'title, directory, mask, environment and listeners are copied': inBoth('something /tmp 27 set 1'),
  'nothing of the C library is told': inBoth('here'),
};

const ownsWhatJavaScriptCannot = (): RunOptions => {
  const library = compile('fork/owns.c', ['-shared', '-fPIC']);
  return { env: { LD_PRELOAD: library, OWNS_FILE: `${library}.owned` } };
};

/** How the programs of some cases are started. */
const OPTIONS: Record<string, () => RunOptions & { flags?: string[]; ipc?: boolean }> = {
  'weak references and finalizers work in both': () => ({ flags: ['--expose-gc'] }),
  'record locks and POSIX timers stay with the parent': ownsWhatJavaScriptCannot,
  'memory mapped with MAP_SHARED is shared': ownsWhatJavaScriptCannot,
  'work in flight is done twice': () => ({ env: { UV_THREADPOOL_SIZE: '1' } }),
  'the inspector stays with the parent': () => ({ flags: ['--inspect=0'] }),
  'an IPC channel stays with the parent': () => ({ ipc: true }),
  'nothing of the C library is told': () => ({
    env: { LD_PRELOAD: compile('fork/at_fork.c', ['-shared', '-fPIC']) },
  }),
};

function runCase(name: string): Promise<Result> {
  const { flags = [], ipc = false, ...options } = OPTIONS[name]?.() ?? {};
  const program = [...flags, FIXTURE, name];
  const throughFork = `require('node:child_process').fork(process.argv[1], [process.argv[2]])`;
  const args = ipc ? ['-e', throughFork, FIXTURE, name] : program;
  return new Program(process.execPath, args, options).result;
}

test('Every case is expected to do something.', () => {
  expect(Object.keys(cases)).toEqual(Object.keys(EXPECTED));
});

test.each(Object.keys(EXPECTED))('At a fork: %s.', async (name) => {
  const { status, stdout, stderr } = await runCase(name);
  const expectedStatus = name === 'a rejection nobody handles ends both' ? 1 : 0;
  expect({ status, lines: stdout.trimEnd().split('\n').sort(), stderr }).toMatchObject({
    status: expectedStatus,
    lines: [...(EXPECTED[name] ?? [])].sort(),
  });
});
