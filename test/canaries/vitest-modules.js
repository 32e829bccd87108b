// vitest's module runner lists what it has evaluated, and of what vitest has transformed it has the `code` in `meta`.
const assert = require('node:assert/strict');
const { canary } = require('./helpers/canary');
const { eachVitest } = require('./helpers/vitest-run');

canary(() =>
  eachVitest(async ({ runs, failed }) => {
    assert.equal(failed, 0);
    for (const { imported, inlined } of runs) {
      const [id, isTransformed] = imported.modules.at(-1);
      assert.deepEqual([id, isTransformed], [inlined, true]);
    }
  }),
);
