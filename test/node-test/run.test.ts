/** prefork/test and `prefork test`: what `node --test` reports, and a fork for each file. */
import { cpSync } from 'node:fs';
import { join } from 'node:path';
import { run } from 'prefork/test';
import { expect, test } from 'vitest';
import { folderWith, prefork, program } from '../helpers/command';
import { ROOT } from '../helpers/stdin';
import { outcome } from './compare';

const DOOR = JSON.stringify(join(ROOT, 'dist', 'test.js'));
/** Two runs of this suite start some fifteen processes each. */
const LONG = 240_000;
const alone = { env: { NO_COLOR: '1' }, clean: true };

test.each([
  ['all files', ['--test-concurrency=2']],
  ['some tests of each file', ['--test-only', '--test-name-pattern=/this|passes/']],
])(
  'Of %s node:test hears what it hears of files that it has started: each event, each output, each end.',
  async (_, words) => {
    const [node, forked] = [await outcome('node', words), await outcome('prefork', words)];
    expect(forked.events, forked.stderr).toEqual(node.events);
    expect(forked.status).toEqual(node.status);
    expect(forked.stderr).not.toContain('PreforkWarning');
    expect(node.events.split('\n').length).toBeGreaterThan(50);
  },
  LONG,
);

test(
  'Each of its reporters writes what it writes of files that it has started.',
  async () => {
    const files = [
      'outcomes.test.js',
      'suites.test.mjs',
      'exits.test.mjs',
      'killed.test.js',
      'isolated-one.test.mjs',
    ];
    const [node, forked] = [await outcome('node', files), await outcome('prefork', files)];
    expect(forked.reports, forked.stderr).toEqual(node.reports);
    expect(Object.values(node.reports).every((report) => report.length > 20)).toBe(true);
  },
  LONG,
);

test('A module to preload is evaluated once, and each file has its own of it; one that does more than define is refused.', async () => {
  const file = `const { equal } = require('node:assert'); const test = require('node:test');
    test('has its own', () => {
      const heavy = require('heavy');
      equal(heavy.touched, undefined);
      heavy.touched = true;
      equal(heavy.loadedIn, process.ppid);
      equal(require('./setup.cjs').loadedIn, process.ppid);
    });`;
  const folder = folderWith(
    {
      'one.test.js': file,
      'other.test.js': file,
      'setup.cjs': 'console.log("printed once"); exports.loadedIn = process.pid;',
      'node_modules/heavy/index.js': 'exports.loadedIn = process.pid;',
      'node_modules/registers/index.js': 'require("node:test").beforeEach(() => {});',
      'node_modules/opens/index.js': 'setInterval(() => {}, 1000);',
      'never.mjs': 'await new Promise(() => {});',
      'node_modules/dies/index.js': 'process.kill(process.pid, "SIGKILL");',
    },
    { packages: false },
  );
  const modules = ['registers', 'heavy', 'opens', './never.mjs', 'missing', './setup.cjs', 'dies'];
  const words = [...modules.flatMap((name) => ['--with', name]), '--test-reporter=tap'];
  const { status, stdout, stderr } = await prefork(folder, ['test', ...words], alone).result;
  const refused = [...stderr.matchAll(/prefork\/test: (.*) is not loaded before the files: (.*)/g)];
  expect({ status, refused: refused.map(([, names]) => names) }, stdout + stderr).toEqual({
    status: 0,
    refused: ['registers', 'opens', './never.mjs', 'missing', 'dies'],
  });
  expect(stdout).toMatch(/^# pass 2$/m);
  expect(stdout).not.toContain('printed once');
});

const PASSES = `require('node:test')('passes', () => {
  clearInterval(globalThis.opened);
  console.log('parent=' + process.ppid + ' ' + process.execArgv.filter((word) => word.includes('under-node')));
});`;

test.each([
  ['what --require loads opens something', ['--require=./opens.cjs'], 'opens Time'],
  ['what --require loads registers hooks', ['--require=./registers.cjs'], 'registers tests or hooks'],
  ['coverage is wanted, and prefork is no package', ['--experimental-test-coverage'], 'coverage'],
  ['a profile is wanted', ['--cpu-prof', '--cpu-prof-dir=profiles'], '--cpu-prof is for processes'],
])('Where %s, node:test starts the processes, and one warning says why.', async (_, options, why) => {
  const folder = folderWith({
    'one.test.js': PASSES,
    'other.test.js': PASSES,
    // In the runner's own process nothing would end it.
    'opens.cjs': 'if (process.env.NODE_TEST_CONTEXT) globalThis.opened = setInterval(() => {}, 1000);',
    'registers.cjs': "if (process.env.NODE_TEST_CONTEXT) require('node:test').afterEach(() => {});",
  });
  const tests = prefork(folder, ['test', ...options, '--test-reporter=tap'], alone);
  const { status, stdout, stderr } = await tests.result;
  expect(status, stdout + stderr).toBe(0);
  expect([...stdout.matchAll(/parent=(.*)$/gm)].map(([, shown]) => shown)).toEqual([
    `${tests.pid} `,
    `${tests.pid} `,
  ]);
  const warnings = stderr.split('\n').filter((line) => line.includes('prefork/test:'));
  expect(warnings).toEqual([expect.stringMatching(new RegExp(`started by node:test itself: .*${why}`))]);
});

/** The package as it is installed, with what it needs: its command. */
function install(folder: string): string {
  const packages = join(folder, 'node_modules');
  for (const name of ['commander', 'node-gyp-build']) {
    cpSync(join(ROOT, 'node_modules', name), join(packages, name), { recursive: true });
  }
  for (const name of ['package.json', 'dist', join('build', 'Release', 'prefork.node')]) {
    cpSync(join(ROOT, name), join(packages, 'prefork', name), { recursive: true });
  }
  return join(packages, 'prefork', 'dist', 'cli', 'main.js');
}

/** Of each file; Node numbers branches as they come. */
function countsIn(lcov: string): string[][] {
  return lcov.split('end_of_record\n').map((record) =>
    record
      .replace(/^(BRDA:\d+),\d+/gm, '$1')
      .split('\n')
      .sort(),
  );
}

test(
  'With coverage each line, branch and function counts as in files that node:test has started.',
  async () => {
    const folder = folderWith(
      {
        'shared.cjs': `exports.sign = (n) => (n < 0 ? 'minus' : n > 0 ? 'plus' : 'none');
exports.never = () => 'never called';
exports.times = (count, call) => { for (let i = 0; i < count; i++) call(i); };`,
        'module.mjs': `export const half = (n) => {
  if (n % 2) return null;
  return n / 2;
};
export class Point { constructor(x) { this.x = x; } get double() { return this.x * 2; } }`,
        'one.test.cjs': `const test = require('node:test'); const { sign, times } = require('./shared.cjs');
test('below', () => times(3, () => sign(-1)));`,
        'other.test.mjs': `import test from 'node:test'; import { half, Point } from './module.mjs'; import shared from './shared.cjs';
test('even', () => half(4)); test('point', () => new Point(1).double); test('above', () => shared.sign(1));`,
        'exits.test.cjs': `const test = require('node:test'); const { sign } = require('./shared.cjs');
test('odd', async () => {
  (await import('./module.mjs')).half(3); sign(0); console.error('parent=' + process.ppid);
  setImmediate(() => process.exit(0));
});`,
      },
      { packages: false },
    );
    const command = install(folder);
    const options = ['--experimental-test-coverage', '--test-reporter=lcov'];
    const report = async (words: string[]) => {
      const running = program(process.execPath, [...words, ...options], { ...alone, cwd: folder });
      const { stdout, stderr } = await running.result;
      return { stdout, stderr, isForked: !stderr.includes(`parent=${running.pid}`) };
    };
    const started = await report(['--test']);
    expect(started.stdout, started.stderr).toMatch(/^SF:shared.cjs$/m);
    expect(started.stdout).toMatch(/^FNDA:0,exports.never$/m);
    for (const preload of [[], ['--with', './shared.cjs']]) {
      const { stdout, stderr, isForked } = await report([command, 'test', ...preload]);
      const [forked, expected] = [stdout, started.stdout].map(countsIn);
      expect({ forked, isForked }, stderr).toEqual({ forked: expected, isForked: true });
    }
  },
  LONG,
);

test('In watch mode node:test starts the processes, too.', async () => {
  const folder = folderWith({ 'one.test.js': PASSES });
  const tests = prefork(folder, ['test', '--watch', '--test-reporter=tap'], alone);
  await tests.until(/parent=\d+ /);
  await tests.until(/ok 1 - /);
  await tests.until(/prefork\/test: .* started by node:test itself: .*watch mode/);
  expect(tests.numbers('parent')[0]).toBe(tests.pid);
  await tests.sweep();
});

test('run() takes what run() of node:test takes, and what it has begun ends with it.', async () => {
  const folder = folderWith({
    'quick.cjs': `require('node:test')('knows its arguments', () => {
      console.log('arguments ' + process.argv.slice(2) + ', forked ' + (process.ppid !== Number(process.env.RUNNER)));
    });`,
    'endless.cjs': `setInterval(() => {}, 1000); console.log('pid=' + process.pid + ' parent=' + process.ppid);
      require('node:test')('never ends', () => new Promise(() => {}));`,
    'runs.mjs': `import test from ${DOOR};
      process.env.RUNNER = String(process.pid);
      const controller = new AbortController();
      const files = ['quick.cjs', 'endless.cjs'];
      const stream = test.run({ files, signal: controller.signal, concurrency: 1, argv: ['one', 'other'] });
      stream.on('test:stdout', ({ message }) => {
        process.stdout.write(message);
        if (message.includes('pid=')) controller.abort();
      });
      stream.on('test:fail', ({ name }) => console.log('failed ' + name));
      stream.on('test:pass', ({ name }) => console.log('passed ' + name));
      stream.resume().on('close', () => console.log('closed'));`,
  });
  const runs = program(process.execPath, ['runs.mjs'], { ...alone, cwd: folder });
  const { status, stdout, stderr } = await runs.result;
  expect(stdout, stderr).toContain(`arguments ${hasArguments ? 'one,other' : ''}, forked true`);
  expect(stdout, stderr).toContain('passed knows its arguments');
  expect(stdout, stderr).toMatch(/failed .*endless.cjs/);
  expect([status, stdout.split('\n').at(-2)], stderr).toEqual([hasArguments ? 0 : status, 'closed']);
  await runs.gone();
});
// Since Node 22.
const hasArguments = Number(process.versions.node.split('.')[0]) >= 22;

test('A file whose template is killed has failed, and the files after it run.', async () => {
  // When b runs it is known which process a is. In a process that node:test has started b has no template to kill.
  const folder = folderWith({
    'a.test.js': 'setInterval(() => {}, 1000);',
    'b.test.js': `const parent = require('node:fs').readFileSync('/proc/' + process.ppid + '/cmdline', 'utf8');
      if (parent.includes('inside/main')) process.kill(process.ppid, 'SIGKILL');`,
    'c.test.js': "require('node:test')('goes on', () => {});",
  });
  const words = ['test', '--test-concurrency=2', '--test-reporter=tap'];
  const { status, stdout, stderr } = await prefork(folder, words, alone).result;
  expect(status, stdout + stderr).toBe(1);
  expect(stdout).toMatch(/not ok 1 - [^\n]*a.test.js(\n {2}.*)*\n {2}signal: 'SIGKILL'/);
  expect(stdout).toMatch(/^ok 3 - goes on/m);
});

test('Options of another kind are refused, before anything runs.', () => {
  expect(() => run({ preload: 'heavy' } as never)).toThrow('an array of names for options.preload');
  expect(() => run(1 as never)).toThrow('options');
});
