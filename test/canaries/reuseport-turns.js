// The kernel takes the program by which sockets of one port take turns, and asks it for each connection.
const assert = require('node:assert/strict');
const { once } = require('node:events');
const { connect } = require('node:net');
const { canary, load, skip } = require('./helpers/canary');

canary(async () => {
  const { binding } = load('base/binding');
  const { addAcceptHandler, bindSockets } = load();
  const turns = binding.turns_take(bindSockets(0, '127.0.0.1', { reusePort: true })[0].fd, 3);
  if (turns === -1) skip('only root may load a program into the kernel');
  assert(typeof turns === 'object', `the kernel answers ${turns}`);
  const sockets = bindSockets(0, '127.0.0.1', { perWorker: 3 });
  const taken = [0, 0, 0];
  sockets.forEach((socket, i) => {
    addAcceptHandler(socket, (connection) => {
      taken[i] += 1;
      connection.end();
    });
  });
  for (let i = 0; i < 30; i++) await once(connect(sockets[0].address().port, '127.0.0.1').resume(), 'close');
  assert.deepEqual(taken, [10, 10, 10]);
});
