// In a quiet child, which has removed the listeners of process, a signal does what it does by default, or calls the child's own.
const assert = require('node:assert/strict');
const { canary, load } = require('./helpers/canary');

canary(async () => {
  const { inChild } = load('parallel');
  process.on('SIGTERM', () => assert.fail('a listener of the parent was called'));
  const ended = await inChild(() => {
    process.kill(process.pid, 'SIGTERM');
    return new Promise((resolve) => setTimeout(resolve, 60_000));
  }).catch((error) => error);
  assert.equal(ended.signal, 'SIGTERM');
  const heard = inChild(
    () =>
      new Promise((resolve) => {
        process.once('SIGTERM', resolve);
        setTimeout(() => {}, 60_000);
        process.kill(process.pid, 'SIGTERM');
      }),
  );
  assert.equal(await heard, 'SIGTERM');
});
