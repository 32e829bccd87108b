// A net.Server serves whatever handle it is given by `_listen2`, and makes its sockets of the handles that come.
const assert = require('node:assert/strict');
const { once } = require('node:events');
const { connect, createServer } = require('node:net');
const { text } = require('node:stream/consumers');
const { canary, load } = require('./helpers/canary');

canary(async () => {
  const { addSockets, bindSockets } = load();
  const sockets = bindSockets(0, '127.0.0.1');
  const server = createServer({ allowHalfOpen: true }, (socket) => socket.pipe(socket));
  const listening = once(server, 'listening');
  addSockets(server, sockets);
  await listening;
  assert.equal(server.listening, true);
  assert.deepEqual(server.address(), sockets[0].address());
  const client = connect(server.address().port, '127.0.0.1');
  client.end('echo');
  assert.equal(await text(client), 'echo');
  const closed = once(server, 'close');
  server.close();
  await closed;
  assert.equal(sockets[0].fd, -1);
});
