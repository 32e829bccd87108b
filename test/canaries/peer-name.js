// A socket asks its handle's `getpeername` for its other end: it is known after the client has gone.
const assert = require('node:assert/strict');
const { once } = require('node:events');
const { connect, createServer } = require('node:net');
const { canary, load } = require('./helpers/canary');

canary(async () => {
  const { addSockets, bindSockets } = load();
  const { peerOf } = load('sockets/server-handle');
  const server = createServer({ pauseOnConnect: true });
  addSockets(server, bindSockets(0, '127.0.0.1'));
  const client = connect(server.address().port, '127.0.0.1');
  const [socket] = await once(server, 'connection');
  const { localPort } = client;
  client.resetAndDestroy();
  await once(client, 'close');
  assert.deepEqual(peerOf(socket), { address: '127.0.0.1', family: 'IPv4', port: localPort });
  assert.deepEqual([socket.remoteAddress, socket.remotePort], ['127.0.0.1', localPort]);
});
