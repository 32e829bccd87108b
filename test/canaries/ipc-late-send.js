// `process.send`, put aside before the fork and called in the child, fails with an 'error' event of a known code.
const assert = require('node:assert/strict');
const { fork } = require('node:child_process');
const { once } = require('node:events');
const { canary, inChild } = require('./helpers/canary');

async function withChannel() {
  const { send } = process;
  await inChild(async () => {
    const errors = [];
    process.on('error', (error) => errors.push(error.code));
    Reflect.apply(send, process, ['too late']);
    await new Promise(setImmediate);
    assert.deepEqual(errors, []);
  });
  process.disconnect();
}

canary(async () => {
  if (process.argv[2] === 'with-channel') return withChannel();
  const child = fork(__filename, ['with-channel']);
  const messages = [];
  child.on('message', (message) => messages.push(message));
  const [status] = await once(child, 'exit');
  assert.equal(status, 0);
  assert.deepEqual(messages, []);
});
