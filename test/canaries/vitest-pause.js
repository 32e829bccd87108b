// vitest imports a file by `import()` of its module runner when all else is ready; `__vitest_worker__` has then what the file is
// told of itself, and nothing is registered. The task of a file is called by its path in the project, and by the hash of that.
// A transformed module begins with its imports, which are awaited one after the other. vitest 5 puts a label into the hash, if a
// run has one; a file's task has the numbers of its process, and what was waited for modules is counted in `durations`.
const assert = require('node:assert/strict');
const { canary } = require('./helpers/canary');
const { eachVitest } = require('./helpers/vitest-run');

canary(() =>
  eachVitest(async ({ major, runs, failed, generateFileHash }) => {
    assert.equal(failed, 0);
    for (const { atImports, said } of runs) {
      const [{ id, files, name, tasks, kinds, code, numbers, fetched }, ...others] = atImports;
      assert.deepEqual([others, files, name, tasks], [[], [id], 'node', 0]);
      assert.deepEqual(new Set(kinds), new Set(['function']));
      const queued = said.find(({ m }) => m === 'onQueued').a[0];
      assert.deepEqual(
        [queued.name, queued.fullName, queued.filepath, queued.id],
        ['a.test.mjs', 'a.test.mjs', id, generateFileHash('a.test.mjs', '')],
      );
      const own = [queued.concurrencyId, queued.workerId];
      if (major >= 5) assert.deepEqual([own, typeof fetched], [numbers, 'number']);
      const labelled = generateFileHash('a.test.mjs', '', { __vitest_label__: 'one' });
      assert.equal(labelled === queued.id, major < 5);
      assert.match(code, /^const __vite_ssr_import_0__ = await __vite_ssr_import__\("/);
    }
  }),
);
