// npm run test:applications -- [--only=NAME]… [--ci] [--ends] [--node=VERSION]… [--every-node] [--write] [--report=FILE]
//
// Real applications, unmodified, each with 3 workers: starts, every worker answers, one that is killed comes back, 4 reloads
// under 4 clients of which 3 keep their connections lose nothing, SIGTERM under load loses nothing, SIGTERM without load
// is compared with the same alone, the status is 0, and the log holds nothing but what the application prints alone, too.
// applications.mjs says which; --ci takes those of every CI run. --ends looks at the ends without load alone. --node takes a
// version in .node-versions/, where test/matrix.mjs has put it, --every-node those of the table. --write adds the results to
// docs/applications.md.
import { chmodSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { applications, projects } from './applications.mjs';
import { CannotRun, examine } from './examine.mjs';
import { install } from './install.mjs';
import { MAJORS, write } from './page.mjs';
import { Services } from './services.mjs';

const HERE = dirname(fileURLToPath(import.meta.url));
const ROOT = join(HERE, '..', '..');
const COMMAND = join(ROOT, 'dist', 'cli', 'main.js');

const { values } = parseArgs({
  options: {
    only: { type: 'string', multiple: true },
    ci: { type: 'boolean', default: false },
    ends: { type: 'boolean', default: false },
    node: { type: 'string', multiple: true },
    'every-node': { type: 'boolean', default: false },
    write: { type: 'boolean', default: false },
    report: { type: 'string' },
  },
});

function chosen({ name, ci }) {
  if (values.ci && !ci) return false;
  return !values.only || values.only.some((each) => name.toLowerCase().includes(each.toLowerCase()));
}

function nodesToUse() {
  const known = JSON.parse(readFileSync(join(ROOT, 'test', 'node-versions.json'), 'utf8'));
  const versions = values['every-node']
    ? known.filter((version) => MAJORS.includes(Number.parseInt(version, 10)))
    : values.node;
  if (!versions) return [{ version: process.versions.node, path: process.execPath }];
  return versions.map((version) => ({
    version,
    path: join(ROOT, '.node-versions', version, 'package', 'bin', 'node'),
  }));
}

const nodes = nodesToUse();
const folder = mkdtempSync(join(tmpdir(), 'prefork-applications-'));
chmodSync(folder, 0o755); // the databases run as somebody else
const services = new Services(join(folder, 'services'));

async function resultOf(application, node) {
  try {
    const { project = 'light' } = application;
    const installed = install(project, projects[project], node);
    const env = await services.environment(application.services);
    const logFile = join(folder, `${application.name.replaceAll(/\W/g, '-')}-${node.version}.log`);
    const settings = { application, installed, node: node.path, command: COMMAND, env, logFile };
    return await examine({ ...settings, endsOnly: values.ends });
  } catch (error) {
    const [reason] = error.message.split('\n');
    return { error, [error instanceof CannotRun ? 'cannot' : 'fails']: reason };
  }
}

/** As it is installed. */
function versionOf({ project = 'light', of }) {
  const lock = join(HERE, 'projects', project, 'package-lock.json');
  return JSON.parse(readFileSync(lock, 'utf8')).packages[`node_modules/${of}`].version;
}

async function run(application, node) {
  const version = versionOf(application);
  const began = performance.now();
  const { error, ...result } = await resultOf(application, node);
  const took = ((performance.now() - began) / 1000).toFixed(1);
  const { answered, before, after, cannot } = result;
  const answers = answered === undefined ? '' : `${answered} answers, `;
  const how = error ? error.stack : `${answers}end ${before} → ${after} ms`;
  console.log(
    `${error ? '✗' : '✓'} ${application.name} ${version} on Node ${node.version} (${took} s): ${how}`,
  );
  return { application, version, node, result, passed: !error || application.cannot?.test(cannot) === true };
}

const found = [];
try {
  for (const application of applications.filter(chosen)) {
    for (const node of nodes) {
      found.push(await run(application, node));
      if (values.write) write(applications, found.slice(-1));
    }
  }
} finally {
  await services.end();
  rmSync(folder, { recursive: true });
}

const numPassedTests = found.filter(({ passed }) => passed).length;
const numFailedTests = found.length - numPassedTests;
console.log(`${numPassedTests} of ${found.length} pass`);
if (values.report) {
  const counts = { numPassedTests, numFailedTests, numPendingTests: 0, numTodoTests: 0, testResults: [] };
  writeFileSync(values.report, JSON.stringify(counts));
}
process.exitCode = numFailedTests > 0 || found.length === 0 ? 1 : 0;
