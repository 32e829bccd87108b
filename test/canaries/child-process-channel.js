// Each child of node:child_process is announced, those that are unref()ed and those made by exec too, and has a `_handle`
// for as long as it runs.
const assert = require('node:assert/strict');
const { execFile, spawn } = require('node:child_process');
const { once } = require('node:events');
const { canary, load } = require('./helpers/canary');

canary(async () => {
  const { childProcesses } = load('fork/child-processes');
  const spawned = spawn('cat');
  spawned.unref();
  const executed = execFile('cat');
  assert.deepEqual(childProcesses(), [spawned, executed]);
  spawned.stdin.end();
  executed.stdin.end();
  await Promise.all([once(spawned, 'exit'), once(executed, 'exit')]);
  assert.deepEqual(childProcesses(), []);
});
