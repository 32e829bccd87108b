// Node's agents keep connections where they can be forgotten: a request to the same server then opens a new one.
const assert = require('node:assert/strict');
const { createServer, get } = require('node:http');
const { canary, load } = require('./helpers/canary');

canary(async () => {
  const { forgetParentsConnections } = load('fork/pooled-connections');
  let connections = 0;
  const server = createServer((_, response) => response.end()).on('connection', () => connections++);
  await new Promise((resolve) => server.listen(0, '127.0.0.1', resolve));
  const url = `http://127.0.0.1:${server.address().port}`;
  const byHttp = () =>
    new Promise((resolve) => get(url, (response) => response.resume().on('close', resolve)));
  const byFetch = async () => (await fetch(url)).text();
  for (const ask of [byHttp, byFetch]) {
    await ask();
    // An agent takes its connection back in a tick of its own.
    await new Promise(setImmediate);
    await ask();
    assert.equal(connections, 1, `${ask.name}: a connection is not kept`);
    await new Promise(setImmediate);
    forgetParentsConnections();
    await ask();
    assert.equal(connections, 2, `${ask.name}: a connection is not forgotten`);
    connections = 0;
  }
});
