// glibc notes in a thread's record that it knows the thread's priority: V8's threads need not ask the kernel by a number that
// is not theirs, of which they would complain on standard error.
const assert = require('node:assert/strict');
const { canary, ROOT, run } = require('./helpers/canary');

canary(async () => {
  const { status, text } = await run(`
    const { fork, waitpid } = require(${JSON.stringify(`${ROOT}/dist`)});
    const { runInNewContext } = require('node:vm');
    require('node:v8').setFlagsFromString('--expose-gc');
    const collect = runInNewContext('gc');
    const kept = [];
    const work = () => {
      for (let i = 0; i < 20; i++) {
        kept.push(Array.from({ length: 20_000 }, (_, id) => ({ id })));
        collect();
        new Function('a', \`let sum = 0; for (let i = 0; i < 1e5; i++) sum += i * a; return sum; // \${i}\`)(i);
      }
    };
    work();
    const pid = fork();
    work();
    if (pid !== 0) process.exitCode = waitpid(pid)[1] === 0 ? 0 : 1;
  `);
  assert.deepEqual({ status, text }, { status: 0, text: '' });
});
