// `npm run test:runners`: fetches the test runners that are not installed with this package, into .node-versions/runners, and
// runs the tests of docs/testing.md. Once they are there, `npm test` runs all of these, too.
import { spawnSync } from 'node:child_process';
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

const HERE = dirname(fileURLToPath(import.meta.url));
const ROOT = join(HERE, '..', '..');
const FOLDER = join(ROOT, '.node-versions', 'runners');

function run(command, args, cwd) {
  const { status } = spawnSync(command, args, { cwd, stdio: 'inherit' });
  if (status !== 0) throw new Error(`${command} ${args.join(' ')} ended with status ${status}`);
}

const dependencies = JSON.parse(readFileSync(join(HERE, 'runners.json'), 'utf8'));
mkdirSync(FOLDER, { recursive: true });
writeFileSync(join(FOLDER, 'package.json'), JSON.stringify({ private: true, dependencies }));
run('npm', ['install', '--no-audit', '--no-fund', '--ignore-scripts', '--prefer-offline'], FOLDER);
run(process.execPath, ['node_modules/vitest/vitest.mjs', 'run', 'test/testing'], ROOT);
