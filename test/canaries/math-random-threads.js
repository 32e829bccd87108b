// The isolate of a worker thread, which has not loaded this package, is found by a variable of each thread's.
const assert = require('node:assert/strict');
const { once } = require('node:events');
const { isMainThread, parentPort, Worker } = require('node:worker_threads');
const { canary, inChild, load } = require('./helpers/canary');

if (isMainThread) {
  canary(async () => {
    load();
    const worker = new Worker(__filename);
    const ask = async () => {
      worker.postMessage('draw');
      return (await once(worker, 'message'))[0];
    };
    await ask();
    const child = await inChild(ask);
    const seen = new Set(await ask());
    assert.deepEqual(
      child.filter((number) => seen.has(number)),
      [],
      'a thread draws alike in both processes',
    );
  });
} else {
  parentPort.on('message', () => parentPort.postMessage(Array.from({ length: 200 }, Math.random)));
}
