// A classic program chooses among sockets of one port, which it numbers as they began to listen, and sees the IP header.
const assert = require('node:assert/strict');
const { once } = require('node:events');
const { connect } = require('node:net');
const { canary, load } = require('./helpers/canary');

canary(async () => {
  const { binding } = load('base/binding');
  const { addAcceptHandler, bindSockets } = load();
  const sockets = bindSockets(0, '127.0.0.1', { perWorker: 3 });
  const { port } = sockets[0].address();
  let taken = [];
  sockets.forEach((socket, i) => {
    addAcceptHandler(socket, (connection) => {
      taken.push(i);
      connection.end();
    });
  });
  const choose = (...choices) => binding.by_address_choose(sockets[1].fd, Uint32Array.from(choices.flat()));
  const clients = async (addresses) => {
    taken = [];
    for (const localAddress of addresses)
      await once(connect({ port, host: '127.0.0.1', localAddress }).resume(), 'close');
    return taken;
  };
  const one = Array(8).fill('127.0.0.1');
  for (const position of [0, 1, 2]) {
    assert.equal(choose([7, position]), 0);
    assert.deepEqual(await clients(one), Array(8).fill(position));
  }
  assert.equal(choose([0, 0], [1, 1], [2, 2]), 0);
  assert.equal(new Set(await clients(one)).size, 1);
  const many = Array.from({ length: 40 }, (_, i) => `127.0.1.${i}`);
  const first = await clients(many);
  assert.deepEqual(new Set(first), new Set([0, 1, 2]));
  assert.deepEqual(await clients(many), first);
});
