// node:cluster can be told that a process is no worker of its: the forked child of one listens for itself.
const assert = require('node:assert/strict');
const cluster = require('node:cluster');
const { once } = require('node:events');
const { createServer } = require('node:net');
const { canary, inChild } = require('./helpers/canary');

canary(async () => {
  if (cluster.isWorker) {
    await inChild(async () => {
      assert.deepEqual([cluster.isWorker, cluster.isPrimary], [false, true]);
      const server = createServer().listen(0);
      await once(server, 'listening');
    });
    return;
  }
  const worker = cluster.fork();
  const [status] = await once(worker, 'exit');
  assert.equal(status, 0);
});
