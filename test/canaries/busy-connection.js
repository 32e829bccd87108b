// A socket of node:http has the response that is being written in `_httpMessage`: a worker that is told to stop closes the
// connection with that answer.
const assert = require('node:assert/strict');
const { connect } = require('node:net');
const { text } = require('node:stream/consumers');
const { canary, manage } = require('./helpers/canary');

canary(async () => {
  const managed = await manage(`
    const server = require('node:http').createServer((request, response) => {
      writeSync(1, 'asked\\n');
      process.once('SIGTERM', () => setImmediate(() => response.end('late')));
    });
    served(server);`);
  const client = connect(managed.port, '127.0.0.1');
  client.write('GET / HTTP/1.1\r\nHost: a\r\n\r\n');
  await managed.until(/asked/);
  managed.process.kill('SIGTERM');
  const answer = await text(client);
  assert.match(answer, /^Connection: close\r$/im);
  assert.match(answer, /\r\n\r\n(4\r\nlate|late)/);
});
