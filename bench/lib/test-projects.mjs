/** Two generated projects with the same test files, for node:test and for vitest: each loads two large packages. */
import { mkdirSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { BUILD, ROOT } from './places.mjs';

/** What each file loads. */
export const PACKAGES = ['vega', 'express'];

const importsOf = (names) => names.map((name) => `import * as ${name} from '${name}';`).join('\n');
const loaded = PACKAGES.map((name) => `typeof ${name}`).join(', ');

const TESTS = {
  node: `import { deepEqual } from 'node:assert';
import test from 'node:test';
${importsOf(PACKAGES)}
test('both are loaded, and what a file before this one has left is not there', () => {
  deepEqual([${loaded}, globalThis.left], [...Array(${PACKAGES.length}).fill('object'), undefined]);
  globalThis.left = true;
});
`,
  vitest: `import { expect, test } from 'vitest';
${importsOf(PACKAGES)}
test('both are loaded, and what a file before this one has left is not there', () => {
  expect([${loaded}, globalThis.left]).toEqual([...Array(${PACKAGES.length}).fill('object'), undefined]);
  globalThis.left = true;
});
`,
};

/** A configuration of vitest's; `pool` is an expression. */
function configuration(pool) {
  return `import { preforkPool } from '${pathToFileURL(join(ROOT, 'dist', 'vitest.js'))}';
export default { test: { pool: ${pool}, maxWorkers: 2, include: ['*.test.mjs'] } };
`;
}

/**
 * Writes a project of so many files: its folder.
 *
 * @param pools expressions by the names of configurations, for vitest
 */
export function testProject(runner, files, pools = {}) {
  const folder = join(BUILD, 'tests', runner);
  rmSync(folder, { recursive: true, force: true });
  mkdirSync(folder, { recursive: true });
  for (let i = 0; i < files; i++) writeFileSync(join(folder, `${i}.test.mjs`), TESTS[runner]);
  for (const [name, pool] of Object.entries(pools)) {
    writeFileSync(join(folder, `${name}.config.mjs`), configuration(pool));
  }
  return folder;
}
