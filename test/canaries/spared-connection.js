// closeIdleConnections() of node:http leaves a connection alone on which a response is not finished, by the socket's
// `_httpMessage`: so an application that closes its server cuts no answer that is not all out.
const assert = require('node:assert/strict');
const { once } = require('node:events');
const { connect } = require('node:net');
const { canary, manage } = require('./helpers/canary');

const LARGE = 30_000_000;

canary(async () => {
  const managed = await manage(`
    const server = require('node:http').createServer((_, response) => response.end(Buffer.alloc(${LARGE})));
    process.on('workerStopping', () => {
      server.close();
      writeSync(1, 'closed\\n');
    });
    served(server);`);
  const client = connect(managed.port, '127.0.0.1');
  client.write('GET / HTTP/1.1\r\nHost: a\r\n\r\n');
  await once(client, 'readable'); // and no more is read
  managed.process.kill('SIGTERM');
  await managed.until(/closed/);
  let size = 0;
  for await (const chunk of client) size += chunk.length;
  assert.ok(size > LARGE, `the answer was cut after ${size} bytes`);
});
