// A worker thread that does nothing but compute is stopped in JavaScript, where it can be left behind: in a quiet child it
// does not go on.
const assert = require('node:assert/strict');
const { once } = require('node:events');
const { Worker } = require('node:worker_threads');
const { canary, load } = require('./helpers/canary');

canary(async () => {
  const { inChild } = load('parallel');
  const count = new Int32Array(new SharedArrayBuffer(4));
  const worker = new Worker(
    `const { parentPort, workerData } = require('node:worker_threads');
    parentPort.postMessage(0);
    for (;;) Atomics.add(workerData, 0, 1);`,
    { eval: true, workerData: count },
  );
  await once(worker, 'message');
  const counts = await inChild(async () => {
    const first = Atomics.load(count, 0);
    await new Promise((resolve) => setTimeout(resolve, 20));
    return [first, Atomics.load(count, 0)];
  });
  assert.equal(counts[0], counts[1], 'the child has the worker thread');
});
