// `npm run test:runners`: fetches the test runners that are not installed with this package, into .node-versions/runners, and
// runs the tests of docs/testing.md in them. Once they are there, `npm test` runs these tests, too.
//
// `-- --report=FOLDER`, for .ci/run: on each Node that docs/testing.md speaks of and that is there; a registry that does not
// answer is no failure.
import { spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { delimiter, dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';

const HERE = dirname(fileURLToPath(import.meta.url));
const ROOT = join(HERE, '..', '..');
const NODES = join(ROOT, '.node-versions');
const FOLDER = join(NODES, 'runners');
const MAJORS = ['20', '24'];
const FETCH_MILLISECONDS = 60_000;

const { report } = parseArgs({ options: { report: { type: 'string' } } }).values;

function fetch() {
  const dependencies = JSON.parse(readFileSync(join(HERE, 'runners.json'), 'utf8'));
  mkdirSync(FOLDER, { recursive: true });
  writeFileSync(join(FOLDER, 'package.json'), JSON.stringify({ private: true, dependencies }));
  const args = ['install', '--no-audit', '--no-fund', '--ignore-scripts', '--prefer-offline'];
  const options = { cwd: FOLDER, stdio: 'inherit', timeout: FETCH_MILLISECONDS };
  return spawnSync('npm', args, options).status === 0;
}

function runTests(file, env = {}) {
  const args = ['node_modules/vitest/vitest.mjs', 'run', file];
  return (
    spawnSync('node', args, { cwd: ROOT, stdio: 'inherit', env: { ...process.env, ...env } }).status === 0
  );
}

function runOn(version) {
  const bin = join(NODES, version, 'package', 'bin');
  if (!existsSync(bin)) return true;
  console.log(`Node ${version}`);
  const PATH = bin + delimiter + process.env.PATH;
  return runTests('test/testing/fetched.test.ts', {
    PATH,
    TEST_REPORT: join(report, `tests-runners-${version}.json`),
  });
}

const isFetched = fetch();
if (report === undefined) {
  process.exitCode = isFetched && runTests('test/testing') ? 0 : 1;
} else if (isFetched) {
  const versions = JSON.parse(readFileSync(join(ROOT, 'test', 'node-versions.json'), 'utf8'));
  const chosen = versions.filter((version) => MAJORS.includes(version.split('.')[0]));
  process.exitCode = chosen.map(runOn).every(Boolean) ? 0 : 1;
} else {
  console.log('The test runners were not fetched: skipped');
}
