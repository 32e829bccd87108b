// `npm run docs` writes docs/api; `npm run docs -- --check` only checks that it is up to date.
import { spawnSync } from 'node:child_process';
import { existsSync, mkdtempSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

const HERE = import.meta.dirname;
const PAGES = join(HERE, '..', '..', 'docs', 'api');

function run(command, args) {
  const { status, error } = spawnSync(command, args, { cwd: HERE, stdio: 'inherit' });
  if (error !== undefined) throw error;
  return status === 0;
}

function isInstalled() {
  const installed = join(HERE, 'node_modules', '.package-lock.json');
  return (
    existsSync(installed) && statSync(installed).mtime >= statSync(join(HERE, 'package-lock.json')).mtime
  );
}

function generate(out) {
  return run(process.execPath, [
    join('node_modules', 'typedoc', 'bin', 'typedoc'),
    '--options',
    'typedoc.config.mjs',
    '--out',
    out,
  ]);
}

function check() {
  const fresh = mkdtempSync(join(tmpdir(), 'prefork-docs-'));
  try {
    if (!generate(fresh)) return false;
    if (run('diff', ['--recursive', '--brief', PAGES, fresh])) return true;
    console.error('docs/api does not match the docstrings: run npm run docs');
    return false;
  } finally {
    rmSync(fresh, { recursive: true });
  }
}

const installed = isInstalled() || run('npm', ['ci', '--no-audit', '--no-fund']);
const done = installed && (process.argv.includes('--check') ? check() : generate(PAGES));
process.exitCode = done ? 0 : 1;
