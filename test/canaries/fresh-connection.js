// A socket of node:http knows its `server`; Node's own closeIdleConnections() spares one on which nothing was ever asked.
const assert = require('node:assert/strict');
const { once } = require('node:events');
const { connect } = require('node:net');
const { canary, manage } = require('./helpers/canary');

canary(async () => {
  const managed = await manage(`
    const server = require('node:http').createServer((request, response) => response.end());
    server.on('connection', () => writeSync(1, 'connected\\n'));
    served(server);`);
  const client = connect(managed.port, '127.0.0.1').resume();
  await managed.until(/connected/);
  managed.process.kill('SIGTERM');
  await once(client, 'end');
  const { status } = await managed.ended;
  assert.equal(status, 0);
  assert.match(managed.text, /^exits$/m, 'the worker had to be killed');
});
