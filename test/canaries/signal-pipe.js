// libuv's signal handler leaves messages in a pipe of the loop, which a blocking wait() reads: listeners of JavaScript's run
// meanwhile, and what is for others reaches them afterwards.
const assert = require('node:assert/strict');
const { spawn } = require('node:child_process');
const { once } = require('node:events');
const { readFileSync } = require('node:fs');
const { canary, load } = require('./helpers/canary');

canary(async () => {
  const { _exit, fork, getppid, wait } = load();
  const heard = [];
  process.on('SIGUSR2', (...parameters) => heard.push(parameters));
  const other = spawn('cat', { stdio: ['pipe', 'ignore', 'ignore'] });
  const otherEnds = once(other, 'exit');
  other.stdin.end();
  await once(other.stdin, 'finish');
  const pid = fork();
  if (pid === 0) {
    const parent = getppid();
    const isPending = () =>
      /^(Sig|Shd)Pnd:.*[1-9a-f]/m.test(readFileSync(`/proc/${parent}/status`, 'latin1'));
    for (let i = 0; i < 10; i++) {
      process.kill(parent, 'SIGUSR2');
      while (isPending()); // signals of one kind that come together are one
    }
    _exit(3);
  }
  assert.deepEqual(wait(), [pid, 3 << 8]);
  assert(heard.length > 1, `${heard.length} of 10 signals were heard`);
  assert.deepEqual(heard[0], ['SIGUSR2', 12]);
  assert.deepEqual(await otherEnds, [0, null], "the end of node:child_process's own child was lost");
});
