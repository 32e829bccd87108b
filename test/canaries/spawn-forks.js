// node:child_process makes its processes by fork(3) of the C library, in the thread that asks, so that a hook of
// pthread_atfork(3) comes first in each.
const assert = require('node:assert/strict');
const { spawnSync } = require('node:child_process');
const { canary, load } = require('./helpers/canary');

const SHOW =
  "process.pid + ' ' + require('node:fs').readFileSync('/proc/self/stat', 'latin1').split(') ').at(-1).split(' ')[3]";

function pidAndSession() {
  const { stdout, stderr } = spawnSync(process.execPath, ['-p', SHOW], { encoding: 'utf8' });
  assert.match(stdout, /^\d+ \d+$/m, stderr);
  return stdout.trim().split(' ');
}

canary(() => {
  const { binding } = load('base/binding');
  assert.equal(binding.process_spawn_apart(true), 0);
  const [pid, session] = pidAndSession();
  assert.equal(session, pid);
  assert.equal(binding.process_spawn_apart(false), 0);
  const [usual, ours] = pidAndSession();
  assert.notEqual(ours, usual);
});
