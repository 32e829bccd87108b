// The kernel lists connections that are being made when it is asked for those of one port (sock_diag(7)).
const assert = require('node:assert/strict');
const { once } = require('node:events');
const { connect } = require('node:net');
const { canary, load, skip } = require('./helpers/canary');

const [IPPROTO_TCP, TCP_DEFER_ACCEPT] = [6, 9];

canary(async () => {
  const { binding } = load('base/binding');
  const { AF_INET } = binding.socket_constants;
  const numbers = new BigUint64Array(2);
  const [socket] = load().bindSockets(0, '127.0.0.1');
  const { port } = socket.address();
  const before = binding.socket_handshakes(AF_INET, port, numbers);
  if (before < 0) skip(`it may not be asked here (${before})`);
  assert.equal(binding.socket_setsockopt(socket.fd, IPPROTO_TCP, TCP_DEFER_ACCEPT, 30), 0);
  await once(connect(port, '127.0.0.1'), 'connect');
  const after = binding.socket_handshakes(AF_INET, port, numbers);
  assert.deepEqual([before, after], [0, 1]);
});
