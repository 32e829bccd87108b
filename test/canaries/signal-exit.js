// signal-exit, which many tools have, counts its listeners where they are looked for.
const assert = require('node:assert/strict');
const { createRequire } = require('node:module');
const { canary, load, ROOT, skip } = require('./helpers/canary');

function find() {
  for (const place of [ROOT, `${ROOT}/node_modules/@jest/core/`, `${ROOT}/node_modules/write-file-atomic/`]) {
    try {
      return createRequire(`${place}/`).resolve('signal-exit');
    } catch (error) {
      if (error.code !== 'MODULE_NOT_FOUND') throw error;
    }
  }
  return undefined;
}

canary(() => {
  const found = find();
  if (found === undefined) skip('signal-exit is not installed');
  const { applicationListensFor } = load('manager/worker/foreign-listeners');
  const loaded = require(found);
  (loaded.onExit ?? loaded)(() => {});
  assert.equal(process.listenerCount('SIGTERM'), 1);
  assert.equal(applicationListensFor('SIGTERM'), false);
  process.on('SIGTERM', () => {});
  assert.equal(applicationListensFor('SIGTERM'), true);
});
