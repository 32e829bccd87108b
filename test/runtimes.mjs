// `npm run test:runtimes`: the package in Bun and in Deno, which it fetches from the registry into .node-versions/. Once they
// are there, `npm test` runs these tests, too.
import { spawnSync } from 'node:child_process';
import { chmodSync, existsSync, mkdirSync, readdirSync, readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

const ROOT = join(dirname(fileURLToPath(import.meta.url)), '..');
const runtimes = JSON.parse(readFileSync(join(ROOT, 'test', 'runtimes.json'), 'utf8'));

function run(command, args, cwd = ROOT) {
  const { status } = spawnSync(command, args, { cwd, stdio: 'inherit' });
  if (status !== 0) throw new Error(`${command} ${args.join(' ')} ended with status ${status}`);
}

function fetch(name, { package: packed, version, program }) {
  const folder = join(ROOT, '.node-versions', `${name}-${version}`);
  const path = join(folder, 'package', program);
  if (existsSync(path)) return;
  mkdirSync(folder, { recursive: true });
  run('npm', ['pack', '--silent', `${packed}@${version}`], folder);
  const [tarball] = readdirSync(folder).filter((file) => file.endsWith('.tgz'));
  run('tar', ['-xzf', tarball], folder);
  chmodSync(path, 0o755);
}

for (const [name, runtime] of Object.entries(runtimes)) fetch(name, runtime);
run(process.execPath, ['node_modules/vitest/vitest.mjs', 'run', 'test/package/without-addon.test.ts']);
