// `npm run test:matrix -- [version…] [--report=folder] [--tested=version] [--insides=major]`: the tests and the stress, on every
// Node version of node-versions.json or on those given. Nothing is rebuilt between them: the addon is one binary for all.
// With --insides Node of that major runs only those tests that stand on what is inside Node: what lies above them is the same for it
// as for the majors before and after it.
//
// With a report folder, each run leaves the counts of its tests there, for .ci/run; a failed stress all that it said.
import { spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

const ROOT = join(dirname(fileURLToPath(import.meta.url)), '..');
const CACHE = join(ROOT, '.node-versions');
const STRESS_FORKS = 1000;
/** The rooms that stand on what is inside Node. */
const INSIDES = ['base', 'canaries', 'fork', 'posix', 'shared', 'sockets', 'wait', 'warmup'];

const { scripts } = JSON.parse(readFileSync(join(ROOT, 'package.json'), 'utf8'));

function run(command, args, options = {}) {
  const { status, signal, error } = spawnSync(command, args, { cwd: ROOT, stdio: 'inherit', ...options });
  if (error) console.error(`${command}: ${error.message}`);
  if (signal) console.error(`${command}: ended by ${signal}`);
  return status === 0;
}

/** The folder that holds the `node` of this version, from the registry; kept for the next time. */
function folderOf(version) {
  const folder = join(CACHE, version);
  const bin = join(folder, 'package', 'bin');
  if (existsSync(join(bin, 'node'))) return bin;
  const unpacking = `${folder}.${process.pid}`;
  mkdirSync(unpacking, { recursive: true });
  const name = `node-linux-${process.arch}`;
  const packed =
    run('npm', ['pack', '--silent', '--pack-destination', unpacking, `${name}@${version}`]) &&
    run('tar', ['-xzf', `${name}-${version}.tgz`], { cwd: unpacking });
  if (!packed) throw new Error(`cannot fetch Node ${version}`);
  rmSync(join(unpacking, `${name}-${version}.tgz`));
  rmSync(folder, { recursive: true, force: true });
  renameSync(unpacking, folder);
  return bin;
}

function choiceFor(version) {
  if (version.startsWith(`${insides}.`)) return INSIDES.map((room) => `test/${room}/`);
  // The native core is tested without Node, so once is enough.
  return alreadyTested === undefined ? [] : ['--exclude', 'test/native/**'];
}

function runTests(version, env, report) {
  const file = report && join(report, `tests-${version}.json`);
  return run('node', ['node_modules/vitest/vitest.mjs', 'run', ...choiceFor(version)], {
    env: file ? { ...env, TEST_REPORT: file } : env,
  });
}

function runStress(version, env, report) {
  if (scripts['test:stress'] === undefined) return true;
  const stress = ['npm', 'run', '--silent', 'test:stress', '--', String(STRESS_FORKS)];
  if (!report) return run(stress[0], stress.slice(1), { env });
  const log = join(report, `stress-${version}.txt`);
  const passed = run('bash', ['-o', 'pipefail', '-c', '"$@" 2>&1 | tee "$0"', log, ...stress], { env });
  writeFileSync(join(report, `stress-${version}.json`), JSON.stringify({ passed }));
  if (passed) rmSync(log);
  return passed;
}

function runOn(version, report) {
  const PATH = `${folderOf(version)}:${process.env.PATH}`;
  const env = { ...process.env, PATH };
  console.log(`\n=== Node ${version}: ${version === alreadyTested ? 'tested already' : 'tests'}`);
  const tested = version === alreadyTested || runTests(version, env, report);
  console.log(`\n=== Node ${version}: stress`);
  const stressed = runStress(version, env, report);
  return tested && stressed;
}

function attempt(version, report) {
  try {
    return runOn(version, report);
  } catch (error) {
    console.error(error.message);
    return false;
  }
}

const args = process.argv.slice(2);
const report = args.find((arg) => arg.startsWith('--report='))?.slice('--report='.length);
const alreadyTested = args.find((arg) => arg.startsWith('--tested='))?.slice('--tested='.length);
const insides = args.find((arg) => arg.startsWith('--insides='))?.slice('--insides='.length);
const given = args.filter((arg) => !arg.startsWith('--'));
const versions =
  given.length > 0 ? given : JSON.parse(readFileSync(join(ROOT, 'test', 'node-versions.json'), 'utf8'));

const results = versions.map((version) => [version, attempt(version, report)]);
console.log('');
for (const [version, passed] of results) console.log(`Node ${version}: ${passed ? 'passed' : 'FAILED'}`);
process.exitCode = results.every(([, passed]) => passed) ? 0 : 1;
