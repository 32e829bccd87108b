// The kernel tells where the word is that it clears when a thread ends: threads that were there before the fork can be
// joined in the child.
const assert = require('node:assert/strict');
const { once } = require('node:events');
const { Worker } = require('node:worker_threads');
const { canary, inChild, load } = require('./helpers/canary');

canary(async () => {
  assert.equal(load('base/binding').binding.fork_misses(), undefined);
  const source = 'require("node:worker_threads").parentPort.on("message", () => {})';
  const workers = Array.from({ length: 3 }, () => new Worker(source, { eval: true }));
  await Promise.all(workers.map((worker) => once(worker, 'online')));
  const end = () => Promise.all(workers.map((worker) => worker.terminate()));
  assert.deepEqual(await inChild(end), [1, 1, 1]);
  assert.deepEqual(await end(), [1, 1, 1]);
});
