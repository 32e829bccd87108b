// `remoteAddress` and `encrypted` of a socket can be other values than Node's, and back.
const assert = require('node:assert/strict');
const { Agent, get } = require('node:http');
const { text } = require('node:stream/consumers');
const { canary, load } = require('./helpers/canary');

canary(async () => {
  const { HTTPServer } = load();
  const answer = ({ socket }, response) => response.end(`${socket.remoteAddress} ${socket.encrypted}`);
  const server = new HTTPServer(answer, { xheaders: true });
  server.listen(0, '127.0.0.1');
  const { port } = server.nodeServer.address();
  const agent = new Agent({ keepAlive: true, maxSockets: 1 });
  const ask = (headers) =>
    new Promise((resolve, reject) => {
      get({ port, agent, headers, host: '127.0.0.1' }, (response) => resolve(text(response))).on(
        'error',
        reject,
      );
    });
  assert.equal(await ask({ 'x-real-ip': '4.4.4.4', 'x-scheme': 'https' }), '4.4.4.4 true');
  assert.equal(await ask({}), '127.0.0.1 false');
});
