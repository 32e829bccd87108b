// A thread that the kernel has made for an io_uring is listed among the process's, and has one flag by which it is known.
const assert = require('node:assert/strict');
const { canary, compiled, skip } = require('./helpers/canary');

canary(() => {
  const { status, stdout, stderr } = compiled('io-worker.c', ['-pthread']);
  if (status === 77) skip(stdout.trim());
  assert.deepEqual({ status, stdout, stderr }, { status: 0, stdout: '', stderr: '' });
});
