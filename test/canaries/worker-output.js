// What a worker thread prints goes through the `_writev` of its streams: in a forked child it is written at once.
const assert = require('node:assert/strict');
const { canary, ROOT, run } = require('./helpers/canary');

canary(async () => {
  const { text } = await run(`
    const { isMainThread, Worker } = require('node:worker_threads');
    const { fork, waitpid } = require(${JSON.stringify(`${ROOT}/dist`)});
    if (isMainThread) {
      new Worker(__filename, { stdout: true });
    } else {
      const pid = fork();
      if (pid === 0) {
        process.stdout.write('one ');
        console.log('two');
        console.error('three');
        process.exit();
      }
      waitpid(pid);
    }
  `);
  assert.equal(text, 'one two\nthree\n');
});
