import { describe, expect, it } from 'vitest';
import { compile } from '../helpers/compile';
import { Program } from '../helpers/run';

const FIXTURE = `${__dirname}/../fixtures/fork/all-or-nothing.js`;
const DEADMAN = 120_000;
const isRoot = process.geteuid?.() === 0;

// What V8 gives back may be taken for something else.
const MEGABYTES_OF_SLACK = 1;

interface Outcome {
  codes: string[];
  changed: string;
  unmarked: number;
}

let library: string | undefined;
function stubbornLibrary(): string {
  // nodelete: process.dlopen() unloads what is no add-on, and its threads run on.
  library ??= compile('fork/stubborn.c', ['-shared', '-fPIC', '-pthread', '-Wl,-z,nodelete']);
  return library;
}

async function forkThatFails(
  cause: string,
  command = process.execPath,
  args: string[] = [],
): Promise<Outcome> {
  const env = { STUBBORN_LIBRARY: stubbornLibrary() };
  const { result } = new Program(command, [...args, FIXTURE, cause], { deadman: DEADMAN, env });
  const { status, signal, stdout, stderr } = await result;
  expect({ status, signal, stderr }).toEqual({ status: 0, signal: null, stderr: '' });
  return JSON.parse(stdout) as Outcome;
}

function expectNothingLost({ changed, unmarked }: Outcome): void {
  expect(changed).toBe('');
  expect(unmarked).toBeLessThan(MEGABYTES_OF_SLACK);
}

describe('a fork() that fails leaves threads, descriptors, children and memory as they were, and the next one works', () => {
  it.runIf(isRoot)('no process left, or too few threads for the child', { timeout: DEADMAN }, async () => {
    const outcome = await forkThatFails('processes');
    expect(outcome.codes.length).toBeGreaterThan(5); // a process of Node's has more threads than that
    expect(new Set(outcome.codes)).toEqual(new Set(['EAGAIN']));
    expectNothingLost(outcome);
  });

  it('no descriptor left, or too few for the child', { timeout: DEADMAN }, async () => {
    const outcome = await forkThatFails('descriptors');
    expect(outcome.codes.length).toBeGreaterThan(2);
    expect(new Set(outcome.codes)).toEqual(new Set(['EMFILE']));
    expectNothingLost(outcome);
  });

  it.runIf(isRoot)('no /proc', { timeout: DEADMAN }, async () => {
    const outcome = await forkThatFails('proc', 'unshare', ['--mount', process.execPath]);
    expect(outcome.codes).toEqual(['ERR_PREFORK_UNSUPPORTED']);
    expectNothingLost(outcome);
  });

  it('a thread that has blocked every signal', { timeout: DEADMAN }, async () => {
    const outcome = await forkThatFails('deaf');
    expect(outcome.codes).toEqual(['ERR_PREFORK_TIMEOUT']);
    expectNothingLost(outcome);
  });

  it('a thread in an uninterruptible call', { timeout: DEADMAN }, async () => {
    const outcome = await forkThatFails('vfork');
    expect(outcome.codes).toEqual(['ERR_PREFORK_TIMEOUT']);
    expectNothingLost(outcome);
  });

  it('a child that is killed before it is complete', { timeout: DEADMAN }, async () => {
    const outcome = await forkThatFails('killed');
    expect(outcome.codes.length).toBeGreaterThan(0);
    expect(new Set(outcome.codes)).toEqual(new Set(['ERR_PREFORK_CHILD_KILLED']));
    expectNothingLost(outcome);
  });

  it('a child that is stopped before it is complete, and stays so', { timeout: DEADMAN }, async () => {
    const outcome = await forkThatFails('stopped');
    expect(outcome.codes).toEqual(['ERR_PREFORK_TIMEOUT']);
    expectNothingLost(outcome);
  });
});

describe('a thread that is deaf for a moment does not make fork() fail', () => {
  it('while it waits for a lock that another thread holds', { timeout: DEADMAN }, async () => {
    expect((await forkThatFails('cycle')).codes).toEqual([]);
  });

  it('while it begins or ends', { timeout: DEADMAN }, async () => {
    expect((await forkThatFails('churn')).codes).toEqual([]);
  });
});
