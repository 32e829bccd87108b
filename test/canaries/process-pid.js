// `process.pid` can be given another value, and `process` is an object of this thread's own.
const assert = require('node:assert/strict');
const { canary, inChild, load } = require('./helpers/canary');

canary(async () => {
  const { configurable, value } = Object.getOwnPropertyDescriptor(process, 'pid');
  assert.deepEqual({ configurable, value }, { configurable: true, value: load().getpid() });
  const { binding } = load('base/binding');
  assert.equal(binding.wait_real_process(), process);
  await inChild(() => {
    assert.equal(process.pid, load().getpid());
    assert.equal(process.ppid, load().getppid());
  });
});
