/** prefork/jest: the same result in every file as with jest-runner, and a process for each. */
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { type Files, folderWith, program } from '../helpers/command';
import type { Program } from '../helpers/run';
import { alone, JEST, outcome, RUNNERS } from './compare';

/** Two runs of the suite start some processes each. */
const LONG = 240_000;
const MODULES = { NODE_OPTIONS: '--experimental-vm-modules' };

/** A project with these files, and Jest in it, by this runner. */
function jestIn(
  files: Files,
  words: string[],
  config: object = {},
  env: Record<string, string> = {},
): Program {
  const settings = { runner: RUNNERS.prefork, testEnvironment: 'node', watchman: false, ...config };
  const folder = folderWith({ 'package.json': JSON.stringify({ jest: settings }), ...files });
  return program(process.execPath, [JEST, ...words], { ...alone(env), cwd: folder });
}

const warnings = (stderr: string): string[] =>
  stderr.split('\n').filter((line) => line.includes('prefork/jest:'));

test.each([
  ['written snapshots and coverage by babel', ['--coverage', '--coverageProvider=babel']],
  ['--ci and coverage by V8', ['--ci', '--coverage', '--coverageProvider=v8', 'add', 'snapshots', 'setup']],
])(
  'With %s every file has the result that it has with jest-runner.',
  async (_, words) => {
    const [own, forked] = [await outcome('jest', words, MODULES), await outcome('prefork', words, MODULES)];
    expect(forked.report, forked.stderr).toEqual(own.report);
    expect(forked.coverage).toEqual(own.coverage);
    expect(forked.snapshots).toEqual(own.snapshots);
    expect(forked.status).toBe(own.status);
    expect(warnings(forked.stderr)).toEqual([]);
    expect(forked.stderr).toContain('torn down, set');
    expect(own.report.length).toBeGreaterThan(100);
  },
  LONG,
);

const SAYS = `
  const { writeSync } = require('node:fs');
  const http = require('node:http');
  test('has modules of Node that no other file has touched', () => {
    writeSync(1, 'pid=' + process.pid + ' parent=' + process.ppid + ' place=' + process.env.JEST_WORKER_ID + '\\n');
    expect(http.touched).toBeUndefined();
    http.touched = true;
  });`;

test('Each file has a process of its own, and a place of so many; all are forked from one.', async () => {
  const files = { 'one.test.js': SAYS, 'other.test.js': SAYS, 'third.test.js': SAYS };
  const jest = jestIn(files, ['--maxWorkers=2']);
  const { status, stdout, stderr } = await jest.result;
  expect(status, stdout + stderr).toBe(0);
  expect(new Set(jest.numbers('pid')).size).toBe(3);
  const parents = new Set(jest.numbers('parent'));
  expect([parents.size, parents.has(jest.pid)]).toEqual([1, false]);
  const places = jest.numbers('place');
  expect(places).toHaveLength(3);
  for (const place of places) expect([1, 2]).toContain(place);
});

test('A file whose process ends has failed, and says how; the files after it run, also without their template.', async () => {
  const ends = (body: string) => `test('never is done', () => { ${body} });`;
  const jest = jestIn(
    {
      'a-exits.test.js': ends('process.exit(7);'),
      'b-is-killed.test.js': ends("process.kill(process.pid, 'SIGKILL');"),
      'c-loses-its-template.test.js': ends("process.kill(process.ppid, 'SIGKILL'); for (;;);"),
      'd-passes.test.js': "test('passes', () => {});",
      'in-order.js': `const { default: Sequencer } = require('@jest/test-sequencer');
        module.exports = class extends Sequencer {
          sort = (tests) => [...tests].sort((one, other) => (one.path < other.path ? -1 : 1));
        };`,
    },
    ['--runInBand', '--json', '--testSequencer=./in-order.js'],
  );
  const { status, stdout, stderr } = await jest.result;
  const { testResults } = JSON.parse(stdout) as { testResults: { message: string; status: string }[] };
  expect([status, testResults.map((file) => file.status)], stderr).toEqual([
    1,
    ['failed', 'failed', 'failed', 'passed'],
  ]);
  const [exits, isKilled, losesItsTemplate] = testResults.map(({ message }) => message);
  expect(exits).toMatch(/pid=\d+\) has ended with exit code 7 before the file was done/);
  expect(isKilled).toMatch(/pid=\d+\) was ended by SIGKILL before the file was done/);
  expect(losesItsTemplate).toMatch(/pid=\d+\) was ended by SIGKILL before the file was done/);
});

test('When Jest is killed, no process is left, whatever the files do.', async () => {
  const endless = "test('never ends', () => { process.stdout.write('it runs\\n'); for (;;); });";
  const jest = jestIn({ 'one.test.js': endless, 'other.test.js': endless }, ['--maxWorkers=2']);
  await jest.until(/it runs/, 2);
  jest.kill('SIGKILL');
  await jest.gone();
});

test('With --bail no process is left when a file has failed, whatever the others do.', async () => {
  const jest = jestIn(
    {
      'endless.test.js': `test('never ends', () => {
        require('node:fs').writeFileSync(__dirname + '/runs', '');
        for (;;);
      });`,
      'fails.test.js': `test('fails', async () => {
        const { existsSync } = require('node:fs');
        while (!existsSync(__dirname + '/runs')) await new Promise(setImmediate);
        throw new Error('it has failed');
      });`,
    },
    ['--maxWorkers=2', '--bail'],
  );
  const { status, stderr } = await jest.result;
  expect([status, stderr]).toEqual([1, expect.stringContaining('it has failed')]);
  await jest.gone();
});

test('With --detectOpenHandles the files run in jest-runner, and one warning says why.', async () => {
  const file = "test('passes', () => void require('node:fs').writeSync(1, 'pid=' + process.pid + '\\n'));";
  const jest = jestIn({ 'one.test.js': file, 'other.test.js': file }, ['--detectOpenHandles']);
  const { status, stdout, stderr } = await jest.result;
  expect(status, stdout + stderr).toBe(0);
  expect(jest.numbers('pid')).toEqual([jest.pid, jest.pid]);
  expect(warnings(stderr)).toEqual([
    expect.stringMatching(/run in jest-runner: --detectOpenHandles looks at/),
  ]);
});

test('What opens something when it is loaded is left to the files, and a warning says so.', async () => {
  const jest = jestIn(
    {
      'one.test.js': SAYS,
      'other.test.js': SAYS,
      // In the process of Jest itself nothing would end it.
      'transform.js': `if (/processChild/.test(process.argv[1])) setInterval(() => {}, 1000);
        exports.process = (code) => ({ code });`,
    },
    ['--maxWorkers=2'],
    { transform: { '\\.js$': './transform.js' }, workerIdleMemoryLimit: 1 },
  );
  const { status, stdout, stderr } = await jest.result;
  expect(status, stdout + stderr).toBe(0);
  expect(new Set(jest.numbers('pid')).size).toBe(2);
  expect(warnings(stderr).sort()).toEqual([
    expect.stringMatching(/what every file needs is loaded by each file anew: that opens Time/),
    expect.stringContaining('workerIdleMemoryLimit is ignored'),
  ]);
});

test('In watch mode a file that has changed is run anew, by a template that knows nothing of the former run.', async () => {
  const value = (n: number) => `module.exports = ${n};`;
  const jest = jestIn(
    {
      'value.js': value(1),
      'value.test.js': `test('prints', () => {
        require('node:fs').writeSync(1, 'value=' + require('./value') + ' parent=' + process.ppid + '\\n');
      });`,
      // Jest hears of no change as long as it has not said this, whatever it has printed before.
      'plugin.js': `module.exports = class {
        apply = (hooks) => hooks.onTestRunComplete(() => process.stdout.write('the run is complete\\n'));
      };`,
    },
    ['--watchAll'],
    { watchPlugins: ['<rootDir>/plugin.js'] },
  );
  await jest.until(/the run is complete/);
  writeFileSync(join(jest.directory, 'value.js'), value(2));
  await jest.until(/value=2/);
  const [first] = jest.numbers('parent');
  expect(jest.numbers('parent').at(-1)).not.toBe(first);
  await jest.sweep();
});
