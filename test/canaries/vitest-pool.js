// vitest's process makes a worker for each file, tells it of start, run and stop with all that these need, and gives each run of
// a project variables of its own; its pool forks can be made by itself, with the same options.
const assert = require('node:assert/strict');
const { join } = require('node:path');
const { pathToFileURL } = require('node:url');
const { canary } = require('./helpers/canary');
const { eachVitest } = require('./helpers/vitest-run');

canary(() =>
  eachVitest(async ({ runs, failed }) => {
    assert.deepEqual([runs.length, failed], [2, 0]);
    const [one, other] = runs;
    assert.notEqual(one.options.env, other.options.env);
    for (const { options, heard } of runs) {
      const { project, distPath, execArgv, env } = options;
      assert.deepEqual([typeof distPath, typeof env, Array.isArray(execArgv)], ['string', 'object', true]);
      assert.match(project.vitest.version, /^[45]\./);
      assert.equal(typeof project.vitest.onClose, 'function');
      assert.equal(typeof project.vitest.logger.outputStream.write, 'function');
      const orders = heard.filter(({ type }) => type !== undefined);
      assert.deepEqual(
        orders.map(({ type }) => type),
        ['start', 'run', 'stop'],
      );
      const [start, run] = orders;
      assert.deepEqual([typeof start.poolId, typeof start.workerId], ['number', 'number']);
      assert.equal(start.context.environment.name, 'node');
      assert.equal(start.context.config.isolate, true);
      assert.deepEqual([run.context.files.length, run.context.environment.name], [1, 'node']);
      const { ForksPoolWorker } = await import(pathToFileURL(join(distPath, 'node.js')).href);
      assert.equal(new ForksPoolWorker(options).name, 'forks');
    }
  }),
);
