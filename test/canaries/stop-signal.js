// No thread of Node's blocks the C library's own signals, by one of which threads are stopped, and each answers in time.
const assert = require('node:assert/strict');
const { once } = require('node:events');
const { readFileSync } = require('node:fs');
const { stat } = require('node:fs/promises');
const { Worker } = require('node:worker_threads');
const { canary, inChild, load } = require('./helpers/canary');
const { liveThreads } = require('../helpers/threads');

canary(async () => {
  const signal = load('base/binding').binding.libc === 'musl' ? 34n : 33n;
  const worker = new Worker('require("node:worker_threads").parentPort.once("message", () => {})', {
    eval: true,
  });
  await once(worker, 'online');
  await Promise.all(Array.from({ length: 8 }, () => stat('/'))); // the pool's threads are there
  await new Promise(setImmediate);
  for (const tid of liveThreads()) {
    const [, blocked] = /^SigBlk:\s*(\w+)$/m.exec(readFileSync(`/proc/self/task/${tid}/status`, 'utf8'));
    assert.equal((BigInt(`0x${blocked}`) >> (signal - 1n)) & 1n, 0n, `thread ${tid} blocks signal ${signal}`);
  }
  for (let i = 0; i < 20; i++) await inChild(() => {});
});
