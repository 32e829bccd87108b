/** prefork/vitest, warm: what is evaluated before a file is what the file would have evaluated, in the same order. */
import { existsSync, readdirSync, readFileSync, symlinkSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { type Files, folderWith, program } from '../helpers/command';
import { ROOT } from '../helpers/stdin';
import { clean } from '../testing/runners';
import type { Vitest } from './installed';

const dist = (name: string) => JSON.stringify(join(ROOT, 'dist', name));

/** So many bytes that it is worth a process. */
const LARGE = `/* ${'.'.repeat(30_000)} */`;

/** Not `process.pid`, which is noticed. */
const LOADED_IN = `import { createRequire } from 'node:module';
  const { getpid } = createRequire(import.meta.url)(${dist('os.js')});
  export const loadedIn = getpid();
  export const here = getpid;`;

interface Options {
  vitest: Vitest;
  /** Of preforkPool(). */
  pool?: string;
  /** Of vitest, as in its configuration. */
  settings?: string;
  /** Of vitest, on its command line. */
  args?: string[];
}

function project({ vitest, pool = '{}', settings = '' }: Options, files: Files): string {
  const folder = folderWith(
    {
      'package.json': '{ "type": "module" }',
      'vitest.config.mjs': `import prefork from ${dist('vitest.js')};
        const pool = process.env.POOL === 'forks' ? 'forks' : prefork.preforkPool(${pool});
        export default { test: { pool, maxWorkers: 1, setupFiles: ['./setup.mjs'], ${settings} } };`,
      'setup.mjs': '',
      ...files,
    },
    { packages: false },
  );
  symlinkSync(vitest.packages, join(folder, 'node_modules'));
  return folder;
}

async function runIn(folder: string, { vitest, args = [] }: Options, pool: 'forks' | 'prefork' = 'prefork') {
  const program_ = join(vitest.packages, 'vitest', 'vitest.mjs');
  const report = join(folder, 'report.json');
  const reporters = ['--reporter=json', '--reporter=default', `--outputFile.json=${report}`];
  const { status, stdout, stderr } = await program(
    process.execPath,
    [program_, 'run', ...reporters, ...args],
    { env: { ...clean(), NO_COLOR: '1', CI: '', POOL: pool }, cwd: folder },
  ).result;
  expect(existsSync(report), stdout + stderr).toBe(true);
  const { testResults, snapshot } = JSON.parse(readFileSync(report, 'utf8'));
  const states = (testResults as { assertionResults: { status: string }[] }[]).map(({ assertionResults }) =>
    assertionResults.map(({ status }) => status),
  );
  return { folder, status, stdout, stderr, states, snapshot };
}

function run(options: Options, files: Files) {
  return runIn(project(options, files), options);
}

/** The same file, so many times. */
function times(count: number, content: string, prefix = ''): Files {
  return Object.fromEntries(Array.from({ length: count }, (_, i) => [`${prefix}${i}.test.mjs`, content]));
}

/** A setting: files run in this order. */
const BY_NAME = `sequence: { sequencer: class {
  sort(files) { return files.sort((one, other) => (one.moduleId < other.moduleId ? -1 : 1)); }
} }`;

/** For each vitest. */
export function testWarm(vitest: Vitest): void {
  test('Files that begin with the same modules find them evaluated, after the setup files, once, each with its own of them.', async () => {
    const { status, stdout, stderr } = await run(
      { vitest },
      {
        'setup.mjs': `import { beforeEach, expect } from 'vitest';
      globalThis.order = [...(globalThis.order ?? []), 'setup'];
      beforeEach(() => { globalThis.hooks = (globalThis.hooks ?? 0) + 1; });`,
        'first.mjs': `${LOADED_IN} ${LARGE} globalThis.order.push('first');`,
        'second.mjs': `import './first.mjs'; ${LARGE} globalThis.order.push('second'); export const state = [];`,
        ...times(
          5,
          `import { loadedIn, here } from './first.mjs'; import { state } from './second.mjs';
      import { expect, test } from 'vitest';
      globalThis.order.push('file');
      test('has its own', () => {
        state.push(1);
        expect([state, globalThis.hooks, globalThis.order]).toEqual([[1], 1, ['setup', 'first', 'second', 'file']]);
        expect(expect.getState().testPath).toBe(import.meta.filename);
        console.log(loadedIn === here() ? 'loaded=1' : 'loaded=0');
      });`,
        ),
      },
    );
    const loaded = [...stdout.matchAll(/loaded=(\d)/g)].map(([, digit]) => Number(digit));
    expect({ status, loaded: loaded.length }, stdout + stderr).toEqual({ status: 0, loaded: 5 });
    // The first file is alone, the next two are the first to be looked at.
    expect(loaded.filter((each) => each === 0).length, stdout + stderr).toBe(2);
  });

  test('Modules that were not known when a process was made are evaluated in one that is made from it.', async () => {
    const prints = `import { expect, test } from 'vitest';
      test('is itself', () => {
        expect(state.push(1)).toBe(1);
        console.log(loadedIn === here() ? 'loaded=1' : 'loaded=0');
      });`;
    const { status, stdout, stderr } = await run(
      { vitest, settings: BY_NAME },
      {
        'base.mjs': `${LOADED_IN} export const state = []; ${LARGE}`,
        'later.mjs': `import './base.mjs'; ${LOADED_IN} export const state = []; ${LARGE}`,
        ...times(5, `import { loadedIn, here, state } from './base.mjs'; ${prints}`, 'a'),
        ...times(5, `import { loadedIn, here, state } from './later.mjs'; ${prints}`, 'b'),
      },
    );
    const loaded = [...stdout.matchAll(/loaded=(\d)/g)].map(([, digit]) => Number(digit));
    expect({ status, loaded }, stdout + stderr).toEqual({
      status: 0,
      loaded: [1, 1, 1, 0, 0, 1, 1, 0, 0, 0],
    });
  });

  test('A process that many files are forked from has its memory arranged meanwhile, and no file can tell.', async () => {
    const { status, stdout, stderr, states } = await run(
      { vitest },
      {
        'base.mjs': `${LOADED_IN} export const kept = [{}]; ${LARGE}`,
        ...times(
          16,
          `import { here, kept, loadedIn } from './base.mjs'; import { expect, test } from 'vitest';
      test('has its own', () => {
        expect(kept.push({})).toBe(2);
        console.log(loadedIn === here() ? 'loaded=1' : 'loaded=0');
      });`,
        ),
      },
    );
    expect({ status, states }, stdout + stderr).toEqual({ status: 0, states: Array(16).fill(['passed']) });
    expect(stdout.match(/loaded=0/g)?.length).toBe(13);
    expect(stderr).not.toContain('prefork/vitest');
  });

  test('A module is evaluated by each file if another one does not need it, or if it does more than define.', async () => {
    const { status, stdout, stderr } = await run(
      { vitest },
      {
        'base.mjs': `${LOADED_IN} ${LARGE} globalThis.switched = false;`,
        'switch.mjs': `import './base.mjs'; ${LARGE} globalThis.switched = true;`,
        'prints.mjs': `import './base.mjs'; console.log('printed=1'); ${LARGE}`,
        'writes.mjs': `import { appendFileSync } from 'node:fs'; appendFileSync('written', 'x'); ${LARGE}`,
        'numbered.mjs': `export const id = process.env.VITEST_POOL_ID + process.pid; ${LARGE}`,
        'random.mjs': `export const id = Math.random(); ${LARGE}`,
        ...times(
          5,
          `import './base.mjs'; import './prints.mjs'; import './writes.mjs'; import './numbered.mjs';
      import { id } from './random.mjs';
      import { expect, test } from 'vitest';
      test('is not switched', () => {
        expect(globalThis.switched).toBe(false);
        console.log('random=' + id);
      });`,
        ),
        'switched-1.test.mjs': `import './switch.mjs'; import { expect, test } from 'vitest';
      test('is switched', () => expect(globalThis.switched).toBe(true));`,
        'switched-2.test.mjs': `import './switch.mjs'; import { expect, test } from 'vitest';
      test('is switched', () => expect(globalThis.switched).toBe(true));`,
        'switched-3.test.mjs': `import './switch.mjs'; import { expect, test } from 'vitest';
      test('is switched', () => expect(globalThis.switched).toBe(true));`,
        'switched-4.test.mjs': `import './switch.mjs'; import { expect, test } from 'vitest';
      test('is switched', () => expect(globalThis.switched).toBe(true));`,
      },
    );
    const ids = [...stdout.matchAll(/random=(\S+)/g)].map(([, id]) => id);
    expect({ status, printed: stdout.match(/printed=1/g)?.length }, stdout + stderr).toEqual({
      status: 0,
      printed: 5,
    });
    expect(new Set(ids).size).toBe(5);
  });

  test('A file that fails where modules are evaluated before is run alone: that result is the only one, and a warning says so.', async () => {
    const { folder, status, stdout, stderr, states, snapshot } = await run(
      { vitest },
      {
        'base.mjs': `${LOADED_IN} ${LARGE}`,
        ...times(
          5,
          `import { loadedIn, here } from './base.mjs'; import { expect, test } from 'vitest';
      test('has loaded it itself', () => {
        console.log('tried=1');
        expect('a snapshot').toMatchSnapshot();
        expect(loadedIn).toBe(here());
      });`,
        ),
      },
    );
    expect({ status, states }, stdout + stderr).toEqual({ status: 0, states: Array(5).fill(['passed']) });
    expect(snapshot).toMatchObject({ added: 5, filesAdded: 5, matched: 0, unmatched: 0 });
    expect(stdout.match(/tried=1/g)?.length).toBe(5);
    const warnings = stderr.split('\n').filter((line) => line.includes('has another result'));
    expect(warnings, stderr).toEqual(Array(2).fill(expect.stringContaining('has loaded it itself')));
    expect(warnings.join()).toContain(folder);
  });

  test('With warm: false each file evaluates all that it imports.', async () => {
    const { status, stdout, stderr } = await run(
      { vitest, pool: '{ warm: false }' },
      {
        'base.mjs': `${LOADED_IN} ${LARGE}`,
        ...times(
          3,
          `import { loadedIn, here } from './base.mjs'; import { expect, test } from 'vitest';
        test('has loaded it itself', () => expect(loadedIn).toBe(here()));`,
        ),
      },
    );
    expect({ status, warned: stderr.includes('has another result') }, stdout + stderr).toEqual({
      status: 0,
      warned: false,
    });
  });

  test('A file that vitest has to do something for is run again, alone, and is not accused of another result.', async () => {
    const { status, stdout, stderr, states } = await run(
      { vitest },
      times(3, `import { test } from 'vitest'; test('annotates', ({ annotate }) => annotate('a word'));`),
    );
    expect({ status, states }, stdout + stderr).toEqual({ status: 0, states: Array(3).fill(['passed']) });
    expect(stderr).not.toContain('prefork/vitest');
  });

  test('Each of several projects has its own warm files, one after the other, and a test that is retried stays where it is.', async () => {
    const file = `import { loadedIn, here } from '../base.mjs'; import { beforeEach, expect, test } from 'vitest';
      let attempts = 0;
      test('fails at first', ({ task }) => {
        console.log(task.file.projectName + ' loaded=' + (loadedIn === here() ? 0 : 1));
        expect([globalThis.setups, ++attempts]).toEqual([[task.file.projectName], 2]);
      });`;
    const names = ['inherits', 'other', 'own'];
    const setUp = (name: string) => `globalThis.setups = [...(globalThis.setups ?? []), '${name}'];`;
    const files = names.flatMap((name) => [
      ...[1, 2, 3, 4].map((number) => [`${name}/${number}.test.mjs`, file]),
      [`${name}/setup.mjs`, setUp(name)],
    ]);
    // These two have one preforkPool(): a project that extends the configuration has it evaluated once more.
    const sharing = ['own', 'other'].map(
      (name) => `{ extends: false, test: { name: '${name}', include: ['${name}/*.test.mjs'],
        pool, retry: 1, setupFiles: ['./${name}/setup.mjs'] } }`,
    );
    const { status, stdout, stderr } = await run(
      {
        vitest,
        args: ['--no-file-parallelism'],
        settings: `retry: 1, projects: [
          { extends: true, test: { name: 'inherits', include: ['inherits/*.test.mjs'], setupFiles: ['./inherits/setup.mjs'] } },
          ${sharing}]`,
      },
      {
        'base.mjs': `${LOADED_IN} ${LARGE}`,
        ...Object.fromEntries(files),
      },
    );
    const loaded = [...stdout.matchAll(/(\w+) loaded=(\d)/g)].map(([, name, digit]) => `${name} ${digit}`);
    // Each test is tried twice, and only the fourth file of a project finds the module evaluated.
    const tried = names.flatMap((name) => [0, 0, 0, 0, 0, 0, 1, 1].map((digit) => `${name} ${digit}`));
    expect({ status, loaded: loaded.sort() }, stdout + stderr).toEqual({ status: 0, loaded: tried });
    expect(stderr).not.toContain('prefork/vitest');
  });

  test('With bail and shards as many files run, and as many tests fail, as in forks.', async () => {
    // vitest counts a failed test and its file, of which it may not know yet: only an odd number ends the same run each time.
    const options = { vitest, args: ['--shard=2/2', '--bail=5'] };
    const folder = project(options, {
      'base.mjs': `${LOADED_IN} ${LARGE}`,
      ...times(
        10,
        `import './base.mjs'; import { expect, test } from 'vitest';
        test('passes', () => {}); test('fails', () => expect(1).toBe(2)); test('comes after', () => {});`,
      ),
    });
    const [forks, prefork] = [await runIn(folder, options, 'forks'), await runIn(folder, options)];
    const { stdout, stderr } = prefork;
    // The files that have failed before are the first.
    expect(prefork.states.sort(), stdout + stderr).toEqual(forks.states.sort());
    const failed = prefork.states.flat().filter((state) => state === 'failed').length;
    expect([failed, prefork.states.length, prefork.status], stdout).toEqual([3, 5, 1]);
    expect(stderr).not.toContain('prefork/vitest');
  });

  test('In watch mode a changed module, or setup file, is evaluated anew; reporters hear of the process of each file.', async () => {
    const base = (value: number) => `${LOADED_IN} export const value = ${value}; ${LARGE}`;
    const folder = project(
      { vitest, settings: 'maxWorkers: 2' },
      {
        'setup.mjs': 'globalThis.setup = 1;',
        'base.mjs': base(1),
        ...times(
          5,
          `import { here, loadedIn, value } from './base.mjs'; import { test } from 'vitest';
          test('prints', ({ task }) => {
            const numbers = ['POOL', 'WORKER'].map((name) => Number(process.env['VITEST_' + name + '_ID']));
            Object.assign(task.meta, { value, setup: globalThis.setup, warm: loadedIn !== here(), numbers });
          });`,
        ),
        'runs.mjs': `import { once } from 'node:events'; import { writeFileSync } from 'node:fs';
          import { createVitest } from ${JSON.stringify(join(vitest.packages, 'vitest', 'dist', 'node.js'))};
          let metas = [];
          let onEnd;
          const reporter = {
            onTestModuleEnd(module) {
              const [test] = module.children.allTests();
              const { concurrencyId, workerId } = module.diagnostic();
              metas.push({ ...test.meta(), told: [concurrencyId, workerId] });
            },
            onTestRunEnd: () => onEnd(metas.splice(0)),
          };
          const vitest = await createVitest('test', { watch: true, reporters: [reporter] });
          const runAfter = async (change) => {
            const ended = new Promise((resolve) => { onEnd = resolve; });
            await change();
            const metas = await ended;
            await vitest.waitForTestRunEnd(); // what changes before is forgotten
            console.log('run=' + JSON.stringify(metas));
          };
          await runAfter(() => vitest.start());
          const { watcher } = vitest.vite;
          if (!watcher._readyEmitted) await once(watcher, 'ready');
          await runAfter(() => writeFileSync('base.mjs', ${JSON.stringify(base(2))}));
          await runAfter(() => writeFileSync('setup.mjs', 'globalThis.setup = 2;'));
          await vitest.close();
          process.exit();`,
      },
    );
    const env = { ...clean(), NO_COLOR: '1', CI: '' };
    const { stdout, stderr } = await program(process.execPath, ['runs.mjs'], { env, cwd: folder }).result;
    const runs = [...stdout.matchAll(/^run=(.*)$/gm)].map(([, json]) => JSON.parse(json as string) as Meta[]);
    const seen = runs.map((metas) => metas.map(({ value, setup }) => [value, setup]));
    expect(seen, stdout + stderr).toEqual(
      [
        [1, 1],
        [2, 1],
        [2, 2],
      ].map((pair) => Array(5).fill(pair)),
    );
    for (const metas of runs) {
      expect(metas.map(({ warm }) => warm).sort(), stderr).toEqual([false, false, false, true, true]);
      if (vitest.major >= 5) for (const { told, numbers } of metas) expect(told).toEqual(numbers);
    }
  });
}

interface Meta {
  value: number;
  setup: number;
  warm: boolean;
  numbers: number[];
  told: number[];
}

/** For a vitest that is there with jsdom and happy-dom. */
export function testEnvironments(vitest: Vitest): void {
  test('In jsdom and happy-dom, files find the document of the setup files, with its elements, listeners and timers, each its own.', async () => {
    const file = `import { element, here, loadedIn } from '../base.mjs'; import { expect, test } from 'vitest';
      test('has its own', async ({ task }) => {
        console.log(task.file.projectName + ' loaded=' + (loadedIn === here() ? 0 : 1));
        expect(document.body.innerHTML).toBe('<p>from setup</p><b></b>');
        expect([element.ownerDocument, element.parentNode]).toEqual([document, document.body]);
        document.body.append(element.cloneNode());
        window.dispatchEvent(new Event('resize'));
        expect(globalThis.resized).toBe(1);
        expect(localStorage.getItem('key')).toBe(null);
        localStorage.setItem('key', 'value');
        await new Promise((resolve) => window.setTimeout(resolve, 1));
        await new Promise((resolve) => requestAnimationFrame(resolve));
        await expect(fetch('data:,text').then((response) => response.text())).resolves.toBe('text');
      });`;
    const environments = ['happy-dom', 'jsdom'];
    const projects = environments.map(
      (name) =>
        `{ extends: true, test: { name: '${name}', environment: '${name}', include: ['${name}/*.test.mjs'] } }`,
    );
    const files = environments.flatMap((name) =>
      [1, 2, 3, 4].map((number) => [`${name}/${number}.test.mjs`, file]),
    );
    const { status, stdout, stderr } = await run(
      { vitest, settings: `projects: [${projects}]` },
      {
        'setup.mjs': `document.body.innerHTML = '<p>from setup</p>'; globalThis.resized = 0;
          window.addEventListener('resize', () => { globalThis.resized++; });`,
        'base.mjs': `${LOADED_IN} ${LARGE}
          export const element = document.createElement('b'); document.body.append(element);`,
        ...Object.fromEntries(files),
      },
    );
    const loaded = [...stdout.matchAll(/(\S+) loaded=(\d)/g)].map(([, name, digit]) => `${name} ${digit}`);
    const expected = environments.flatMap((name) => [0, 0, 0, 1].map((digit) => `${name} ${digit}`));
    expect({ status, loaded: loaded.sort() }, stdout + stderr).toEqual({ status: 0, loaded: expected });
  });
}

/** For a vitest that is there with its two kinds of coverage. */
export function testCoverage(vitest: Vitest): void {
  test.each(['v8', 'istanbul'])('With coverage by %s the figures are those of forks.', async (provider) => {
    const coverage = `--coverage.enabled --coverage.reporter=json --coverage.provider=${provider}`.split(' ');
    const options = { vitest, args: [...coverage, '--coverage.include=*.mjs'] };
    const folder = project(options, {
      'setup.mjs': `import './base.mjs'; globalThis.setup = 1;`,
      'base.mjs': `${LOADED_IN}
        export const half = (number) => {
          if (number % 2 === 1) return (number - 1) / 2;
          return number / 2;
        };
        export const never = () => 0; ${LARGE}`,
      ...times(
        4,
        `import { half, here, loadedIn } from './base.mjs'; import { expect, test } from 'vitest';
        test('halves, in a file that has evaluated all itself', () => expect([half(4), loadedIn]).toEqual([2, here()]));`,
      ),
    });
    const figures = async (pool: 'forks' | 'prefork') => {
      const { status, stdout, stderr } = await runIn(folder, options, pool);
      const hasWarned = stderr.includes('prefork/vitest');
      expect({ status, hasWarned }, stdout + stderr).toEqual({ status: 0, hasWarned: false });
      return JSON.parse(readFileSync(join(folder, 'coverage', 'coverage-final.json'), 'utf8'));
    };
    const forks = await figures('forks');
    expect(Object.keys(forks)).toContain(join(folder, 'base.mjs'));
    expect(await figures('prefork')).toEqual(forks);
  });
}

/** Of each file, in vitest's own notes: their order is that in which they are loaded, which does not matter. */
function modulesIn(notes: string): Record<string, string[]> {
  const { modules, files } = (JSON.parse(notes) as { projects: { '': Notes } }).projects[''];
  const entries = Object.entries(files).map(([file, { deps }]): [string, string[]] => [
    file,
    deps.map((index) => modules[index] as string).sort(),
  ]);
  return Object.fromEntries(entries);
}

interface Notes {
  modules: string[];
  files: Record<string, { deps: number[] }>;
}

/** For vitest 5, which can note what each file has loaded. */
export function testRecords(vitest: Vitest): void {
  test('What vitest records of the modules of each file is what it records in forks.', async () => {
    const options = {
      vitest,
      settings: `${BY_NAME}, experimental: { recordDependencies: true } }, cacheDir: 'cache-' + process.env.POOL, ignored: {`,
    };
    const loads = `import { loadedIn, here } from './base.mjs'; import { test } from 'vitest';
      test('loads', async () => {
        console.log('loaded=' + (loadedIn === here() ? 0 : 1));
        await import('./late.mjs');
      });`;
    const folder = project(options, {
      'setup.mjs': `import './of-setup.mjs';`,
      'of-setup.mjs': '',
      'base.mjs': `import './deeper.mjs'; ${LOADED_IN} ${LARGE}`,
      'deeper.mjs': LARGE,
      'late.mjs': '',
      'more.mjs': `import './deeper.mjs'; import './late.mjs';`,
      ...times(5, loads),
      'more-1.test.mjs': `import './base.mjs'; import './more.mjs'; ${loads}`,
      'more-2.test.mjs': `import './base.mjs'; import './more.mjs'; ${loads}`,
    });
    const records = async (pool: 'forks' | 'prefork') => {
      const { status, stdout, stderr } = await runIn(folder, options, pool);
      const warm = stdout.match(/loaded=1/g)?.length ?? 0;
      expect({ status, warm }, stdout + stderr).toEqual({ status: 0, warm: pool === 'forks' ? 0 : 4 });
      const cache = join(folder, `cache-${pool}`);
      const [path = ''] = readdirSync(cache, { recursive: true, encoding: 'utf8' }).filter((name) =>
        name.endsWith('dependencies.json'),
      );
      return modulesIn(readFileSync(join(cache, path), 'utf8'));
    };
    const [forks, prefork] = [await records('forks'), await records('prefork')];
    expect(forks['0.test.mjs']).toContain('deeper.mjs');
    expect(forks['more-1.test.mjs']).toContain('more.mjs');
    expect(prefork).toEqual(forks);
  });
}
