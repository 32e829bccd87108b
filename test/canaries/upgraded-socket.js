// A socket of node:http has its `parser` until it is upgraded, and the head of the answer that is being written in the
// `_header` of its `_httpMessage`: by these a worker tells connections that last from those that wait for an answer.
const assert = require('node:assert/strict');
const { once } = require('node:events');
const { createServer } = require('node:http');
const { connect } = require('node:net');
const { canary, load } = require('./helpers/canary');

canary(async () => {
  const { Connection } = load('manager/worker/connections');
  const server = createServer((request, response) => {
    if (request.url === '/events')
      response.writeHead(200, { 'content-type': 'text/event-stream' }).write('data: 1\n\n');
    server.emit('asked');
  });
  server.on('upgrade', (_request, socket) => {
    socket.write('HTTP/1.1 101 Switching Protocols\r\n\r\n');
    server.emit('asked');
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const useAfter = async (head) => {
    const client = connect(server.address().port, '127.0.0.1');
    const [socket] = await once(server, 'connection');
    const connection = new Connection(socket, true);
    const before = connection.use;
    const asked = once(server, 'asked');
    client.write(
      `GET ${head} HTTP/1.1\r\nHost: a\r\n${head === '/upgrade' ? 'Connection: Upgrade\r\nUpgrade: x\r\n' : ''}\r\n`,
    );
    await asked;
    return [before, connection.use];
  };
  assert.deepEqual(await useAfter('/'), ['idle', 'asked']);
  assert.deepEqual(await useAfter('/events'), ['idle', 'lasting']);
  assert.deepEqual(await useAfter('/upgrade'), ['idle', 'lasting']);
});
