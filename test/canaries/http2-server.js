// Servers of node:http2 are recognised: their requests are counted, and their sessions told to finish.
const assert = require('node:assert/strict');
const { once } = require('node:events');
const { connect } = require('node:http2');
const { text } = require('node:stream/consumers');
const { canary, manage } = require('./helpers/canary');

canary(async () => {
  const managed = await manage(`
    served(require('node:http2').createServer((request, response) =>
      setImmediate(() => response.end(String(PREFORK.scoreboard()[0].requests)))));`);
  const session = connect(`http://127.0.0.1:${managed.port}`);
  const ask = () => text(session.request({ ':path': '/' }).setEncoding('utf8'));
  assert.deepEqual([await ask(), await ask()], ['1', '2']);
  const goodbye = once(session, 'goaway');
  managed.process.kill('SIGTERM');
  await goodbye;
  const { status } = await managed.ended;
  assert.equal(status, 0);
  assert.match(managed.text, /^exits$/m, 'the worker had to be killed');
});
