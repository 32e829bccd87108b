// A watcher's callback is in its handle: without the right to open files by inode, a child's loop watches by path again.
const assert = require('node:assert/strict');
const { canary, ROOT, Running, skip } = require('./helpers/canary');

canary(async () => {
  if (process.getuid() !== 0) skip('only root can give up the right to open files by inode');
  const { text } = await new Running([`${ROOT}/test/fixtures/fork/watch-unprivileged.js`]).ended;
  assert.equal(text, '42 true\n');
});
