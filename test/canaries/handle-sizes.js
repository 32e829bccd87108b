// libuv is still version 1, which changes the size of no handle: the addon has them compiled in.
const assert = require('node:assert/strict');
const { once } = require('node:events');
const { connect } = require('node:net');
const { canary, load } = require('./helpers/canary');

canary(async () => {
  assert.match(process.versions.uv, /^1\./);
  const { _exit, addAcceptHandler, bindSockets, fork, waitpidAsync } = load();
  // A uv_poll_t on a socket, one on a pidfd, a uv_signal_t in each wait; the uv_async_t has been there since loading.
  const [socket] = bindSockets(0, '127.0.0.1');
  const accepted = new Promise((resolve) => {
    const stop = addAcceptHandler(socket, (connection) => {
      connection.end();
      stop();
      resolve();
    });
  });
  const client = connect(socket.address().port, '127.0.0.1').resume();
  await Promise.all([accepted, once(client, 'close')]);
  const pid = fork();
  if (pid === 0) _exit(5);
  assert.deepEqual(await waitpidAsync(pid), [pid, 5 << 8]);
});
