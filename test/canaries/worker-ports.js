// A main thread has four async handles in its loop, and more as long as a worker thread runs, whose ports are such handles.
const assert = require('node:assert/strict');
const { once } = require('node:events');
const { Worker } = require('node:worker_threads');
const { canary, load } = require('./helpers/canary');

canary(async () => {
  const { mayHaveOlderThreads } = load('fork/worker-threads');
  assert.equal(mayHaveOlderThreads(), false, 'there are more without any worker');
  const worker = new Worker('process.stdin.resume()', { eval: true, stdin: true });
  worker.unref();
  assert.equal(mayHaveOlderThreads(), true, 'a new one is not seen');
  await once(worker, 'online');
  assert.equal(mayHaveOlderThreads(), true, 'one that runs is not seen');
  await worker.terminate();
});
