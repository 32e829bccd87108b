// This V8 has the flags that warmup() sets, and says nothing about them.
const assert = require('node:assert/strict');
const { canary, ROOT, run } = require('./helpers/canary');

canary(async () => {
  const { FLAGS, hasFlag } = require(`${ROOT}/dist/base/v8-flags`);
  const { text: options } = await run('', [], { flags: ['--v8-options'] });
  const isThere = (name) =>
    new RegExp(`^ +--(\\[no-\\]|no-)?${name}\\b`, 'm').test(options.replaceAll('_', '-'));
  for (const name of FLAGS) assert.equal(hasFlag(name), isThere(name), name);
  const { status, text } = await run(`
    const { warmup } = require(${JSON.stringify(`${ROOT}/dist`)});
    warmup();
    warmup({ smallYoungGeneration: true });
  `);
  assert.deepEqual({ status, text }, { status: 0, text: '' });
});
