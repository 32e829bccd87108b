// In a quiet child the thread pool is new: nothing that the parent has handed in is done in it, and it works.
const assert = require('node:assert/strict');
const { appendFileSync, readFile, readFileSync, write, openSync } = require('node:fs');
const { promisify } = require('node:util');
const { canary, file, load } = require('./helpers/canary');

canary(async () => {
  const { inChild } = load('parallel');
  const log = file('', 'log');
  const fd = openSync(log, 'a');
  // More than the pool has threads: some are done, some in hand, some in the queue.
  const writes = Array.from({ length: 100 }, (_, i) => promisify(write)(fd, `${i}\n`));
  const later = inChild(async () => {
    appendFileSync(log, 'child\n');
    return (await promisify(readFile)(__filename)).length;
  });
  for (let i = 100; i < 200; i++) writes.push(promisify(write)(fd, `${i}\n`));
  assert.ok((await later) > 0);
  await Promise.all(writes);
  const lines = readFileSync(log, 'utf8').trim().split('\n');
  assert.equal(lines.length, 201);
  assert.equal(new Set(lines).size, 201);
});
