// An answer has in `_headerSent` whether the connection has got what writeHead() has put together, and without its `_header` a
// new one can be put there.
const assert = require('node:assert/strict');
const { get } = require('node:http');
const { once } = require('node:events');
const { text } = require('node:stream/consumers');
const { canary, load } = require('./helpers/canary');

canary(async () => {
  const { HTTPServer } = load('httpserver');
  const { bindSockets } = load('netutil');
  load('log').setLogger(() => {});
  const heads = { '/chunked': [200], '/empty': [204], '/length': [200, { 'Content-Length': 7 }] };
  const server = new HTTPServer((request, response) => {
    response.writeHead(...heads[request.url]);
    throw new Error('oops');
  });
  const [socket] = bindSockets(0, '127.0.0.1');
  server.addSocket(socket);
  const { port } = socket.address();
  for (const path of Object.keys(heads)) {
    const [response] = await once(get({ host: '127.0.0.1', port, path, agent: false }), 'response');
    assert.equal(response.statusCode, 500, path);
    assert.equal((await text(response)).length, Number(response.headers['content-length']), path);
  }
});
