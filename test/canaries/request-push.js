// Node's parser hands a body over by the request's own push(): where it comes in chunks, its bytes are counted there.
const assert = require('node:assert/strict');
const { connect } = require('node:net');
const { text } = require('node:stream/consumers');
const { canary, load } = require('./helpers/canary');

canary(async () => {
  const { HTTPServer } = load();
  const server = new HTTPServer(
    (request, response) => request.resume().on('end', () => response.end('all')),
    {
      maxBodySize: 5,
    },
  );
  server.listen(0, '127.0.0.1');
  const { port } = server.nodeServer.address();
  const post = (body) => {
    const client = connect(port, '127.0.0.1');
    client.write(
      `POST / HTTP/1.1\r\nHost: a\r\nConnection: close\r\nTransfer-Encoding: chunked\r\n\r\n${body}`,
    );
    return text(client);
  };
  assert.match(await post('5\r\n12345\r\n0\r\n\r\n'), /^HTTP\/1.1 200 /);
  assert.match(await post('3\r\n123\r\n3\r\n456\r\n0\r\n\r\n'), /^HTTP\/1.1 400 /);
});
