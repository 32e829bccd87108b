// All ways for a worker thread to exit end in its `process.reallyExit`: a worker that has forked ends the whole child.
const assert = require('node:assert/strict');
const { once } = require('node:events');
const { isMainThread, parentPort, Worker } = require('node:worker_threads');
const { canary, load } = require('./helpers/canary');

function inWorker() {
  const { fork, waitpid, waitstatusToExitcode } = load();
  const statuses = [() => process.exit(7), thrower].map((end) => {
    const pid = fork();
    if (pid === 0) {
      end();
      return null;
    }
    return waitstatusToExitcode(waitpid(pid)[1]);
  });
  parentPort.postMessage(statuses);
}

function thrower() {
  process.removeAllListeners('uncaughtExceptionMonitor'); // which would print it
  throw new Error('in the child of a worker');
}

if (isMainThread) {
  canary(async () => {
    const [statuses] = await once(new Worker(__filename), 'message');
    assert.deepEqual(statuses, [7, 1]);
  });
} else {
  inWorker();
}
