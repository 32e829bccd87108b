// A filter on a listening socket sees packets from the TCP header on: new connections are not begun, while those that wait
// are served.
const assert = require('node:assert/strict');
const { once } = require('node:events');
const { connect } = require('node:net');
const { canary, load } = require('./helpers/canary');

canary(async () => {
  const { binding } = load('base/binding');
  const { addAcceptHandler, bindSockets } = load();
  const [socket] = bindSockets(0, '127.0.0.1');
  const { port } = socket.address();
  const early = connect(port, '127.0.0.1');
  await once(early, 'connect');
  // The client can hear of it before the server's queue has it.
  while (binding.socket_pending(socket.fd) === 0) await new Promise(setImmediate);
  assert.equal(binding.socket_pending(socket.fd), 1);
  assert.equal(binding.socket_refuse(socket.fd), 0);
  const late = connect(port, '127.0.0.1');
  const lateCame = once(late, 'connect').then(() => 'came');
  const accepted = [];
  addAcceptHandler(socket, (connection) => accepted.push(connection.remotePort));
  while (accepted.length === 0) await new Promise(setImmediate);
  // Longer than a connection to this machine takes, and shorter than the time after which a lost packet is sent again.
  const quiet = new Promise((resolve) => setTimeout(() => resolve('quiet'), 500));
  assert.equal(await Promise.race([lateCame, quiet]), 'quiet');
  assert.deepEqual(accepted, [early.localPort]);
});
