// A pipe of libuv's says whether it is a channel between Node processes: describeFork() leaves those out.
const assert = require('node:assert/strict');
const { fork, spawn } = require('node:child_process');
const { once } = require('node:events');
const { canary, file, load } = require('./helpers/canary');

canary(async () => {
  const { describeFork } = load();
  const channel = fork(file('process.on("message", () => {}); process.send("up");'));
  await once(channel, 'message');
  const handles = load('base/binding').binding.loop_active_handles();
  assert.equal(handles.filter(({ passesHandles }) => passesHandles).length, 1);
  const child = spawn('cat', { stdio: ['pipe', 'ignore', 'ignore'] });
  const kinds = describeFork().active.map(({ kind }) => kind);
  assert.deepEqual(kinds.sort(), ['child process', 'child process', 'pipe']);
  channel.kill();
  child.kill();
});
