// A net.Server believes that it listens as long as it has a `_handle`, whatever that is: its socket can be taken from it
// without a word, and the application closes it later.
const assert = require('node:assert/strict');
const { once } = require('node:events');
const { connect, createServer } = require('node:net');
const { canary, load } = require('./helpers/canary');

canary(async () => {
  const { letGo } = load('manager/worker/let-go');
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const address = server.address();
  letGo(server);
  assert.equal(server.listening, true);
  assert.deepEqual(server.address(), address);
  const [error] = await once(connect(address.port, '127.0.0.1'), 'error');
  assert.equal(error.code, 'ECONNREFUSED');
  const closed = once(server, 'close');
  server.close();
  await closed;
  assert.equal(server.listening, false);
});
