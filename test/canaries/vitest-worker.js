// A process is a worker of vitest's by three functions of `worker.js`. Told to run no file, it gets ready for one, and has then
// evaluated nothing of the project's.
const assert = require('node:assert/strict');
const { existsSync } = require('node:fs');
const { join } = require('node:path');
const { pathToFileURL } = require('node:url');
const { canary, ROOT } = require('./helpers/canary');
const { vitestRuns } = require('./helpers/vitest-run');

canary(async () => {
  const dist = join(ROOT, 'node_modules', 'vitest', 'dist');
  const { init, runBaseTests, setupEnvironment } = await import(pathToFileURL(join(dist, 'worker.js')).href);
  for (const each of [init, runBaseTests, setupEnvironment]) assert.equal(typeof each, 'function');
  assert.ok(existsSync(join(dist, 'workers', 'forks.js')));
  const { runs, failed } = await vitestRuns();
  assert.equal(failed, 0);
  for (const { options, prepared } of runs) {
    assert.equal(options.distPath, dist);
    assert.deepEqual([prepared.response.error, prepared.modules], [undefined, []]);
  }
});
