// A forked child lets go of the channel to the process that started its parent: its own descriptor of it is closed.
const assert = require('node:assert/strict');
const { fork } = require('node:child_process');
const { once } = require('node:events');
const { readlinkSync } = require('node:fs');
const { canary, inChild } = require('./helpers/canary');

function linkOf(fd) {
  try {
    return readlinkSync(`/proc/self/fd/${fd}`);
  } catch (error) {
    return error.code;
  }
}

async function withChannel() {
  const { fd } = process.channel ?? {};
  const number = fd ?? Number(process.argv[3]);
  process.on('message', () => {});
  assert.match(linkOf(number), /^socket:/);
  await inChild(async () => {
    await new Promise(setImmediate);
    assert.equal(process.send, undefined);
    assert.equal(process.connected, undefined);
    assert.equal(linkOf(number), 'ENOENT', 'the channel is still open');
  });
  process.send('done');
  process.disconnect();
}

canary(async () => {
  if (process.argv[2] === 'with-channel') return withChannel();
  const child = fork(__filename, ['with-channel', '3'], { stdio: ['ignore', 'inherit', 'inherit', 'ipc'] });
  const [status] = await once(child, 'exit');
  assert.equal(status, 0);
});
