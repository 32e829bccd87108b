// Node lists the children of node:child_process that were there before this package was loaded.
const assert = require('node:assert/strict');
const { ChildProcess, spawn } = require('node:child_process');
const { canary } = require('./helpers/canary');

canary(() => {
  const child = spawn('cat');
  assert(process._getActiveHandles().includes(child), 'a running child is not on the list of handles');
  assert(child instanceof ChildProcess);
  child.kill();
});
