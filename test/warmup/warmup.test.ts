import { join } from 'node:path';
import { expect, test } from 'vitest';
import { warmup } from '../..';
import { Program, start } from '../helpers/run';

interface Memory {
  walk: number;
  young: number;
  grown: number;
}

const memory = async (how: string): Promise<Memory> =>
  JSON.parse((await start('warmup/warmup.js', { args: [how] }).line()) ?? '') as Memory;

const KB_OF_SWEEPING = 1500; // 4,800 and more where it is left to the child, 200 at most where it is not
const MB_AT_FIRST = 1.5;
const MB_WHEN_GROWN = 6;

test('Without warmup() a child sweeps, and inherits a young generation as large as it has grown.', async () => {
  const { walk, young } = await memory('gc');
  expect(walk).toBeGreaterThan(KB_OF_SWEEPING);
  expect(young).toBeGreaterThan(MB_WHEN_GROWN);
});

test('After warmup() nothing is left to be swept, and the young generation is as small as at first.', async () => {
  const { walk, young, grown } = await memory('warm');
  expect(walk).toBeLessThan(KB_OF_SWEEPING);
  expect(young).toBeLessThan(MB_AT_FIRST);
  expect(grown).toBeGreaterThan(MB_WHEN_GROWN);
});

test.each(['small', 'forkProcesses'])(
  'smallYoungGeneration: it does not grow in the children either (%s).',
  async (how) => {
    const { young, grown } = await memory(how);
    expect(young).toBeLessThan(MB_AT_FIRST);
    expect(grown).toBeLessThan(MB_WHEN_GROWN);
  },
);

test('warmup() leaves the flags of V8 that were given as they are.', async () => {
  const program = `
    const { runInNewContext } = require('node:vm');
    require(${JSON.stringify(join(__dirname, '..', '..'))}).warmup();
    console.log(runInNewContext('typeof gc'));
  `;
  const typeOfGc = async (...flags: string[]) =>
    (await new Program(process.execPath, [...flags, '-e', program]).result).stdout;
  expect(await typeOfGc()).toBe('undefined\n');
  expect(await typeOfGc('--expose-gc')).toBe('function\n');
});

test.runIf(process.versions.v8.startsWith('13.'))(
  'warmup() while V8 collects because nothing else is to be done leaves a process, a child and a thread that live on.',
  async () => {
    const { status, stdout, stderr } = await start('warmup/idle-collection.js').result;
    expect({ status, stdout }, stderr).toEqual({ status: 0, stdout: 'idle collection\nchild 0\n' });
  },
);

const serving = async (...how: string[]): Promise<{ compiled: number; left: number }> =>
  JSON.parse((await start('warmup/serves.js', { args: how }).line()) ?? '');

const BYTES_FOR_A_SERVER = 1000; // 8,500 and more where the child compiles it, none where it is there

test('After warmup() a child has the code for its server already, and the parent keeps nothing of the rehearsal.', async () => {
  expect((await serving()).compiled).toBeGreaterThan(BYTES_FOR_A_SERVER);
  const { compiled, left } = await serving('warm');
  expect(compiled).toBeLessThan(BYTES_FOR_A_SERVER);
  expect(left).toBe(0);
});

test.each([null, 1, { smallYoungGeneration: 1 }, { hugePages: 'yes' }])(
  'warmup() refuses %j as options.',
  (options) => {
    expect(() => warmup(options as never)).toThrow(
      expect.objectContaining({ name: 'TypeError', code: 'ERR_PREFORK_INVALID_ARG_TYPE' }),
    );
  },
);
