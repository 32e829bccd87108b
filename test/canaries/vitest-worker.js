// A process is a worker of vitest's by three functions of `worker.js`. Told to run no file, it gets ready for one, and has then
// evaluated nothing of the project's.
const assert = require('node:assert/strict');
const { existsSync } = require('node:fs');
const { join } = require('node:path');
const { canary } = require('./helpers/canary');
const { eachVitest } = require('./helpers/vitest-run');

canary(() =>
  eachVitest(async ({ dist, runs, failed }) => {
    assert.ok(existsSync(join(dist, 'workers', 'forks.js')));
    assert.equal(failed, 0);
    for (const { options, prepared } of runs) {
      assert.equal(options.distPath, dist);
      assert.deepEqual([prepared.response.error, prepared.modules], [undefined, []]);
    }
  }),
);
