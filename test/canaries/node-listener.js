// Where there is no addon, sockets are bound and accepted from by handles of Node's own.
const assert = require('node:assert/strict');
const { once } = require('node:events');
const { createServer, get } = require('node:http');
const { connect } = require('node:net');
const { text } = require('node:stream/consumers');
const { canary, load } = require('./helpers/canary');

canary(async () => {
  Object.defineProperty(process, 'platform', { value: 'darwin' });
  const { addAcceptHandler, addSockets, bindSockets, fork } = load();
  assert.throws(fork, { code: 'ERR_PREFORK_UNSUPPORTED' });
  const sockets = bindSockets(0);
  const { port } = sockets[0].address();
  assert.throws(() => bindSockets(port), { code: 'EADDRINUSE' });
  const early = text(connect(port, '127.0.0.1').end('GET / HTTP/1.0\r\n\r\n'));
  const server = createServer((_request, response) => response.end('served'));
  addSockets(server, sockets);
  await once(server, 'listening');
  const response = await new Promise((resolve, reject) => {
    get({ port, host: '127.0.0.1', agent: false }, resolve).on('error', reject);
  });
  assert.equal(await text(response), 'served');
  assert.match(await early, /served$/);
  server.close();
  const [socket] = bindSockets(0, '127.0.0.1');
  addAcceptHandler(socket, (connection) => connection.end('accepted'));
  assert.equal(await text(connect(socket.address().port, '127.0.0.1')), 'accepted');
});
