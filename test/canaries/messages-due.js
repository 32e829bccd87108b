// Node queues a tick for each message that a read from an IPC channel brings, and emits it from a file of a known name: a
// child that is forked by the first one's listener hears no other.
const assert = require('node:assert/strict');
const { fork } = require('node:child_process');
const { once } = require('node:events');
const { canary, load } = require('./helpers/canary');

const MESSAGES = ['one', 'two', 'three'];

async function withChannel() {
  const { _exit, fork: forkSelf, waitpid } = load();
  const heard = [];
  let pid;
  process.send('ready');
  for (const end = Date.now() + 300; Date.now() < end; ); // until all are in the channel
  await new Promise((resolve) => {
    process.on('message', (message) => {
      heard.push(message);
      pid ??= forkSelf();
      if (pid === 0) setImmediate(() => _exit(heard.length));
      else if (heard.length === MESSAGES.length) resolve();
    });
  });
  assert.deepEqual(heard, MESSAGES);
  assert.deepEqual(waitpid(pid), [pid, 1 << 8], 'the forked child heard another number of messages than one');
  process.disconnect();
}

canary(async () => {
  if (process.argv[2] === 'with-channel') return withChannel();
  const child = fork(__filename, ['with-channel']);
  await once(child, 'message');
  for (const message of MESSAGES) child.send(message);
  const [status] = await once(child, 'exit');
  assert.equal(status, 0);
});
