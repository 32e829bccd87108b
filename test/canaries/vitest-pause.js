// vitest imports a file by `import()` of its module runner when all else is ready; `__vitest_worker__` has then what the file is
// told of itself, and nothing is registered. The task of a file is called by its path in the project, and by the hash of that.
// A transformed module begins with its imports, which are awaited one after the other.
const assert = require('node:assert/strict');
const { join } = require('node:path');
const { pathToFileURL } = require('node:url');
const { canary, ROOT } = require('./helpers/canary');
const { vitestRuns } = require('./helpers/vitest-run');

canary(async () => {
  const { generateFileHash } = await import(
    pathToFileURL(join(ROOT, 'node_modules/vitest/dist/node.js')).href
  );
  const { runs, failed } = await vitestRuns();
  assert.equal(failed, 0);
  for (const { atImports, said } of runs) {
    const [{ id, files, name, tasks, kinds, code }, ...others] = atImports;
    assert.deepEqual([others, files, name, tasks], [[], [id], 'node', 0]);
    assert.deepEqual(new Set(kinds), new Set(['function']));
    const queued = said.find(({ m }) => m === 'onQueued').a[0];
    assert.deepEqual(
      [queued.name, queued.fullName, queued.filepath, queued.id],
      ['a.test.mjs', 'a.test.mjs', id, generateFileHash('a.test.mjs', '')],
    );
    assert.match(code, /^const __vite_ssr_import_0__ = await __vite_ssr_import__\("/);
  }
});
