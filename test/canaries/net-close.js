// The close() of net.Server ends the listening of an http.Server too, and leaves connections that wait for requests alone.
const assert = require('node:assert/strict');
const { Agent, get } = require('node:http');
const { text } = require('node:stream/consumers');
const { canary, load } = require('./helpers/canary');

canary(async () => {
  const { HTTPServer } = load();
  const server = new HTTPServer((_request, response) => response.end('served'));
  server.listen(0, '127.0.0.1');
  const { port } = server.nodeServer.address();
  const agent = new Agent({ keepAlive: true, maxSockets: 1 });
  const ask = (through) =>
    new Promise((resolve, reject) => {
      get({ port, agent: through, host: '127.0.0.1' }, (response) => resolve(text(response))).on(
        'error',
        reject,
      );
    });
  assert.equal(await ask(agent), 'served');
  server.stop();
  assert.equal(await ask(agent), 'served');
  await assert.rejects(ask(false), { code: 'ECONNREFUSED' });
});
