// libuv goes through the async handles of a loop in the order of its list: another thread that has loaded this package has
// its new pid in the child before it hears a message that was under way at the fork.
const assert = require('node:assert/strict');
const { once } = require('node:events');
const { isMainThread, parentPort, Worker, workerData } = require('node:worker_threads');
const { canary, inChild, load } = require('./helpers/canary');

if (isMainThread) {
  canary(async () => {
    load();
    const [SLEEPS, GO_ON] = [0, 1];
    const words = new Int32Array(new SharedArrayBuffer(8));
    const worker = new Worker(__filename, { workerData: words });
    await once(worker, 'message');
    worker.postMessage('sleep');
    Atomics.wait(words, SLEEPS, 0);
    worker.postMessage('who are you?');
    const [pid, own] = await inChild(async () => {
      Atomics.store(words, GO_ON, 1); // memory of the child's own
      Atomics.notify(words, GO_ON);
      return [(await once(worker, 'message'))[0], load().getpid()];
    });
    assert.equal(pid, own, 'the message came before the new pid');
    Atomics.store(words, GO_ON, 1);
    Atomics.notify(words, GO_ON);
    assert.equal((await once(worker, 'message'))[0], process.pid);
  });
} else {
  load();
  // Not in the listener: messages that come meanwhile would be heard right after it, without a turn of the loop.
  const sleep = () => {
    Atomics.store(workerData, 0, 1);
    Atomics.notify(workerData, 0);
    Atomics.wait(workerData, 1, 0);
  };
  parentPort.on('message', (message) => {
    if (message === 'sleep') setTimeout(sleep, 1);
    else parentPort.postMessage(process.pid);
  });
  parentPort.postMessage('ready');
}
