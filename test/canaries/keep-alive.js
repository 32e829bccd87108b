// A response whose `shouldKeepAlive` is false says `Connection: close`.
const assert = require('node:assert/strict');
const { get } = require('node:http');
const { canary, load } = require('./helpers/canary');

canary(async () => {
  const { HTTPServer } = load();
  const server = new HTTPServer((_request, response) => response.end(), { noKeepAlive: true });
  server.listen(0, '127.0.0.1');
  const { port } = server.nodeServer.address();
  const headers = { connection: 'keep-alive' };
  const response = await new Promise((resolve, reject) => {
    get({ port, host: '127.0.0.1', agent: false, headers }, resolve).on('error', reject);
  });
  assert.equal(response.headers.connection, 'close');
});
