// `npm run test:runners`: fetches the test runners that are not installed with this package, into .node-versions/runners, and
// vitest 4 and 5 with environments and coverage, each into a folder of its own beside it; and runs the tests of docs/testing.md
// in them. Once they are there, `npm test` runs these tests, too.
//
// `-- --report=FOLDER`, for .ci/run: on each Node that docs/testing.md speaks of and that is there; a registry that does not
// answer is no failure.
import { spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { delimiter, dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';

const HERE = dirname(fileURLToPath(import.meta.url));
const ROOT = join(HERE, '..', '..');
const NODES = join(ROOT, '.node-versions');
const MAJORS = ['20', '24'];
const FETCH_MILLISECONDS = 60_000;
const FILES = ['test/testing/fetched.test.ts', 'test/vitest/fetched.test.ts'];

const { report } = parseArgs({ options: { report: { type: 'string' } } }).values;

/** Nothing is left of what has not come in time: its tests are skipped. */
function fetch([name, dependencies]) {
  const cwd = join(NODES, name);
  mkdirSync(cwd, { recursive: true });
  writeFileSync(join(cwd, 'package.json'), JSON.stringify({ private: true, dependencies }));
  const args = ['install', '--no-audit', '--no-fund', '--ignore-scripts', '--prefer-offline'];
  const options = { cwd, stdio: 'inherit', timeout: FETCH_MILLISECONDS };
  const isThere = spawnSync('npm', args, options).status === 0;
  if (!isThere) rmSync(join(cwd, 'node_modules'), { recursive: true, force: true });
  return isThere;
}

function runTests(files, env = {}) {
  const args = ['node_modules/vitest/vitest.mjs', 'run', ...files];
  return (
    spawnSync('node', args, { cwd: ROOT, stdio: 'inherit', env: { ...process.env, ...env } }).status === 0
  );
}

function runOn(version) {
  const bin = join(NODES, version, 'package', 'bin');
  if (!existsSync(bin)) return true;
  console.log(`Node ${version}`);
  const PATH = bin + delimiter + process.env.PATH;
  return runTests(FILES, {
    PATH,
    TEST_REPORT: join(report, `tests-runners-${version}.json`),
  });
}

const runners = JSON.parse(readFileSync(join(HERE, 'runners.json'), 'utf8'));
const fetched = Object.entries(runners).map(fetch);
if (report === undefined) {
  process.exitCode = fetched.every(Boolean) && runTests(['test/testing', ...FILES]) ? 0 : 1;
} else if (fetched.some(Boolean)) {
  const versions = JSON.parse(readFileSync(join(ROOT, 'test', 'node-versions.json'), 'utf8'));
  const chosen = versions.filter((version) => MAJORS.includes(version.split('.')[0]));
  process.exitCode = chosen.map(runOn).every(Boolean) ? 0 : 1;
} else {
  console.log('The test runners were not fetched: skipped');
}
