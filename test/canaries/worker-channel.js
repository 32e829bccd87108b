// Each worker thread is announced when it is made.
const assert = require('node:assert/strict');
const { once } = require('node:events');
const { Worker } = require('node:worker_threads');
const { canary, load } = require('./helpers/canary');

canary(async () => {
  const { hasOtherThreads } = load('fork/worker-threads');
  assert.equal(hasOtherThreads(), false);
  const worker = new Worker('', { eval: true });
  assert.equal(hasOtherThreads(), true);
  await once(worker, 'exit');
  assert.equal(hasOtherThreads(), false);
});
