// /proc tells the children of a thread, and wait4() can be kept to those: wait() leaves the children of others alone.
const assert = require('node:assert/strict');
const { spawn } = require('node:child_process');
const { once } = require('node:events');
const { readFileSync } = require('node:fs');
const { canary, load } = require('./helpers/canary');

canary(async () => {
  const { _exit, fork, wait } = load();
  const other = spawn('true', { stdio: 'ignore' });
  const ends = once(other, 'exit');
  const pid = fork();
  if (pid === 0) _exit(3);
  assert.deepEqual(wait(), [pid, 3 << 8]);
  const listed = readFileSync('/proc/thread-self/children', 'latin1').trim().split(' ').map(Number);
  assert(!listed.includes(pid));
  assert.deepEqual(await ends, [0, null]);
  assert.throws(wait, { code: 'ECHILD' });
});
