// glibc tells where it has registered each thread's rseq area: a thread that was brought back goes on to know its processor.
const assert = require('node:assert/strict');
const { readdirSync } = require('node:fs');
const { availableParallelism } = require('node:os');
const { join } = require('node:path');
const { canary, compiled, ROOT, skip } = require('./helpers/canary');

canary(() => {
  if (availableParallelism() < 2) skip('there is one processor only');
  const native = join(ROOT, 'native');
  const sources = ['posix', 'fork'].flatMap((room) =>
    readdirSync(join(native, room))
      .filter((name) => name.endsWith('.cc'))
      .map((name) => join(native, room, name)),
  );
  const flags = ['-std=c++17', `-I${native}`, ...sources, '-pthread', '-ldl'];
  const { status, stdout, stderr } = compiled('rseq.cc', flags);
  if (status === 77) skip(stdout.trim());
  assert.deepEqual({ status, stdout, stderr }, { status: 0, stdout: '', stderr: '' });
});
