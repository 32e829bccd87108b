// A frame that is written to the socket of an HTTP/2 session comes between Node's own, and streams opened after it are served.
const assert = require('node:assert/strict');
const { once } = require('node:events');
const { connect, createServer } = require('node:http2');
const { text } = require('node:stream/consumers');
const { canary } = require('./helpers/canary');

const NOTICE = Buffer.from('0000080700000000007fffffff00000000', 'hex');

canary(async () => {
  const server = createServer((request, response) => response.end(request.url));
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const [accepted, began] = [once(server, 'connection'), once(server, 'session')];
  const client = connect(`http://127.0.0.1:${server.address().port}`);
  const ask = (path) => text(client.request({ ':path': path }).setEncoding('utf8'));
  const [[socket], [session]] = await Promise.all([accepted, began]);
  assert.equal(session.pendingSettingsAck, true);
  await once(session, 'localSettings');
  assert.equal(session.pendingSettingsAck, false);
  assert.equal(await ask('/before'), '/before');
  const later = [ask('/one'), ask('/two')];
  const told = once(client, 'goaway');
  socket.write(NOTICE);
  assert.deepEqual((await told).slice(0, 2), [0, 2 ** 31 - 1]);
  assert.deepEqual(await Promise.all(later), ['/one', '/two']);
});
