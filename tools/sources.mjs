// Tells whether the binaries in prebuilds/ were made from the current sources: a digest lies beside them.
import { createHash } from 'node:crypto';
import { existsSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

export const ROOT = join(import.meta.dirname, '..');
const NOTE = join(ROOT, 'prebuilds', 'sources.sha256');

function digest() {
  const native = readdirSync(join(ROOT, 'native'), { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => join(entry.parentPath, entry.name));
  const files = [
    join(ROOT, 'binding.gyp'),
    join(ROOT, 'node_modules/node-addon-api/package.json'),
    ...native,
  ];
  const hash = createHash('sha256');
  for (const file of files.sort()) hash.update(`${file.slice(ROOT.length)}\0`).update(readFileSync(file));
  return hash.digest('hex');
}

/** Written only once all of them are made. */
export function noteSources(complete) {
  if (complete) writeFileSync(NOTE, `${digest()}\n`);
  else rmSync(NOTE, { force: true });
}

/** 'none', 'current' or 'stale'. */
export function stateOfPrebuilds() {
  const present = readdirSync(join(ROOT, 'prebuilds')).some((name) => name.startsWith('linux-'));
  if (!present) return 'none';
  return existsSync(NOTE) && readFileSync(NOTE, 'utf8').trim() === digest() ? 'current' : 'stale';
}
