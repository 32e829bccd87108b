// Compares pools on a suite that is not ours: `node test/vitest/suite.mjs FOLDER [--turns=3] [--modes=forks,cold,warm]
// [--OPTION=VALUE of vitest…] [FILTER…]`. FOLDER has its packages installed, vitest among them. Every test is to have the same
// state and the same errors as in vitest's own pool; the times are those of whole processes, in turns. Beside them stands what no
// pool can spare: the time that the tests themselves take, of all files together, and the processor's time of vitest's own process.
import { spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { loadavg, tmpdir } from 'node:os';
import { join, relative, resolve } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { parseArgs } from 'node:util';

const OWN = fileURLToPath(import.meta.url);
const { preforkPool } = createRequire(OWN)('../../dist/vitest.js');
const POOLS = {
  forks: () => 'forks',
  cold: () => preforkPool({ warm: false }),
  warm: () => preforkPool(),
};

/** What does not depend on the place in a file, nor on time. */
const told = ({ message }) => message.replace(/\n\s+at .*/g, '').replace(/\b\d+(\.\d+)?ms\b/g, 'ms');

function* testsOf(module, root) {
  const file = `[${module.project.name}] ${relative(root, module.moduleId)}`;
  yield [file, [module.state(), ...module.errors().map(told)]];
  for (const test of module.children.allTests()) {
    const { state, errors = [] } = test.result();
    yield [`${file} > ${test.fullName} #${test.id}`, [state, ...errors.map(told)]];
  }
}

/** One run, in a process of its own. */
async function run(mode, folder, report, options, filters) {
  process.chdir(folder);
  const entry = createRequire(join(folder, 'package.json')).resolve('vitest/node');
  const { createVitest } = await import(pathToFileURL(entry).href);
  const vitest = await createVitest('test', {
    watch: false,
    reporters: [{}],
    maxWorkers: 2,
    coverage: { enabled: false },
    typecheck: { enabled: false },
    isolate: true,
    ...options,
    pool: POOLS[mode](),
  });
  const started = performance.now();
  await vitest.start(filters);
  const seconds = (performance.now() - started) / 1000;
  const tests = vitest.state.getTestModules().flatMap((module) => [...testsOf(module, folder)]);
  const unhandled = vitest.state.getUnhandledErrors().map((error) => told(error));
  const { added, matched, unchecked, updated, filesAdded } = vitest.snapshot.summary;
  const snapshots = { added, matched, unchecked, updated, filesAdded };
  const modules = vitest.state.getTestModules().map((module) => module.diagnostic());
  const testing = modules.reduce((sum, { duration }) => sum + duration, 0) / 1000;
  const { user, system } = process.cpuUsage();
  const own = (user + system) / 1e6;
  const { version } = vitest;
  writeFileSync(report, JSON.stringify({ seconds, testing, own, tests, unhandled, snapshots, version }));
  await vitest.close();
}

function outcome(mode, args) {
  const folder = mkdtempSync(join(tmpdir(), 'prefork-suite-'));
  try {
    const report = join(folder, 'report.json');
    const { status, stderr } = spawnSync(
      process.execPath,
      [OWN, `--run=${mode}`, `--report=${report}`, ...args],
      {
        env: { ...process.env, CI: '1', NODE_ENV: 'test' },
        stdio: ['ignore', 'ignore', 'pipe'],
        encoding: 'utf8',
        maxBuffer: 1 << 30,
      },
    );
    const warnings = stderr.split('\n').filter((line) => line.includes('prefork/vitest:'));
    try {
      return { ...JSON.parse(readFileSync(report, 'utf8')), warnings };
    } catch {
      throw new Error(`vitest has ended with ${status}: ${stderr.slice(-4000)}`);
    }
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

function differences(one, other) {
  const [all, others] = [new Map(one.tests), new Map(other.tests)];
  return [...new Set([...all.keys(), ...others.keys()])]
    .filter((name) => JSON.stringify(all.get(name)) !== JSON.stringify(others.get(name)))
    .map((name) =>
      `${name}: ${JSON.stringify(all.get(name))} ~ ${JSON.stringify(others.get(name))}`.slice(0, 1000),
    );
}

function compare(turns, modes, args) {
  let reference;
  for (let turn = 1; turn <= turns; turn++) {
    for (const mode of modes) {
      const one = outcome(mode, args);
      reference ??= one;
      const differing = differences(reference, one);
      const states = one.tests.map(([, [state]]) => state);
      const count = (state) => states.filter((each) => each === state).length;
      const facts = [
        `vitest ${one.version}`,
        mode,
        `${one.seconds.toFixed(1)} s`,
        `tests ${one.testing.toFixed(1)} s`,
        `vitest's process ${one.own.toFixed(1)} s`,
        `${count('passed')} passed`,
        `${count('failed')} failed`,
        `${one.unhandled.length} unhandled`,
        JSON.stringify(one.snapshots),
        `${differing.length} differ`,
        `load ${loadavg()[0].toFixed(1)}`,
      ];
      console.log(facts.join(' · '));
      for (const line of [...differing.slice(0, 20), ...one.warnings.slice(0, 20)])
        console.log(`    ${line}`);
    }
  }
}

const project = { type: 'string', multiple: true };
const { values, positionals } = parseArgs({
  strict: false,
  allowPositionals: true,
  options: { project },
});
const { run: mode, report, turns = '1', modes = 'forks,cold,warm', ...options } = values;
const [folder = '.', ...filters] = positionals;
if (mode !== undefined) await run(mode, resolve(folder), report, options, filters);
else compare(Number(turns), modes.split(','), process.argv.slice(2));
